use super::{Evidence, Probed};
use crate::doctor::Skipped;
use crate::facts::fleet::{FargateProfile, Fleet, NodeClass, NodeGroup};

/// A node that has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is called.
    pub name: String,
    /// Whether it is an EC2 instance.
    pub is_instance: bool,
    /// The names that its network has for it.
    pub internal_dns: Vec<String>,
}

/// What EKS says of a cluster's nodes; an error says what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodesAtEks {
    /// The managed node groups.
    pub groups: Result<Vec<NodeGroup>, String>,
    /// The Fargate profiles.
    pub profiles: Result<Vec<FargateProfile>, String>,
}

impl Evidence {
    /// What the cluster's nodes sign in with, as far as it is known.
    pub(in crate::doctor) fn fleet(&self) -> Result<Fleet, Skipped> {
        let at_eks = self.nodes_at_eks.seen()?;
        let classes: Option<&Vec<NodeClass>> = match &self.node_classes {
            Probed::Seen(Ok(classes)) => Some(classes),
            _ => None,
        };
        if let (Err(why), Err(_)) = (&at_eks.groups, &at_eks.profiles) {
            return Err(Skipped::needs(why));
        }
        Ok(Fleet {
            groups: at_eks.groups.as_ref().ok().cloned(),
            profiles: at_eks.profiles.as_ref().ok().cloned(),
            classes: classes.cloned(),
        })
    }
}
