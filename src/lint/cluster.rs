use std::borrow::Cow;

use crate::facts::fleet::Fleet;
use crate::facts::principals::Principals;

/// What AWS says of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// Its name at EKS.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Its nodes.
    pub fleet: Fleet,
    /// What IAM says of its account; `None` when it says nothing.
    pub principals: Option<Principals>,
}

/// Some of a cluster's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// [`Fleet::groups`].
    Groups,
    /// [`Fleet::profiles`].
    Profiles,
    /// [`Fleet::classes`].
    Classes,
    /// The first two.
    AtEks,
    /// Those that are EC2 instances.
    Instances,
    /// All of them.
    All,
}

impl Nodes {
    /// What of them is not known, and how it could be; `None` when all is.
    pub(super) fn lacks(self, cluster: &Cluster) -> Option<Cow<'static, str>> {
        let Fleet {
            groups,
            profiles,
            classes,
        } = &cluster.fleet;
        let (of_groups, of_profiles, of_classes) = match self {
            Self::Groups => (true, false, false),
            Self::Profiles => (false, true, false),
            Self::Classes => (false, false, true),
            Self::AtEks => (true, true, false),
            Self::Instances => (true, false, true),
            Self::All => (true, true, true),
        };
        let permission = if of_groups && groups.is_none() {
            "permission to eks:ListNodegroups and eks:DescribeNodegroup"
        } else if of_profiles && profiles.is_none() {
            "permission to eks:ListFargateProfiles and eks:DescribeFargateProfile"
        } else if of_classes && classes.is_none() {
            "permission to list ec2nodeclasses.karpenter.k8s.aws"
        } else {
            return None;
        };
        Some(permission.into())
    }
}
