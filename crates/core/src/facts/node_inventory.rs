//! The nodes of a cluster, by IAM role.

use super::node_kinds::NodeKind;

/// The sources of nodes, with the IAM roles that their nodes sign in with. A field is `None` if it could not be read.
///
/// Instances outside managed node groups and Karpenter are missing: only EC2 knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeInventory {
    pub groups: Option<Vec<NodeGroup>>,
    pub profiles: Option<Vec<FargateProfile>>,
    pub classes: Option<Vec<NodeClass>>,
}

/// A managed node group.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeGroup {
    pub name: String,
    /// The ARN of the nodes' role, with its IAM path.
    pub role: Option<String>,
    /// Such as `AL2023_x86_64_STANDARD`.
    pub ami_type: String,
    /// Such as `ACTIVE`.
    pub status: String,
    /// The health issues.
    pub issues: Vec<Issue>,
}

/// A health issue of a node group.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Such as `AccessDenied`.
    pub code: String,
    pub message: String,
    /// The affected resources.
    pub resources: Vec<String>,
}

/// A Fargate profile.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_FargateProfile.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FargateProfile {
    pub name: String,
    /// The ARN of the pod execution role, with its IAM path.
    pub role: Option<String>,
    /// Such as `ACTIVE`.
    pub status: String,
}

/// An EC2NodeClass of Karpenter: <https://karpenter.sh/docs/concepts/nodeclasses/>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeClass {
    pub name: String,
    /// The ARN of the nodes' role; `None` if the class names an instance profile whose role is unknown.
    pub role: Option<String>,
    /// The instance profile, if the class names one in place of a role.
    pub instance_profile: Option<String>,
}

/// A use of a role by nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use<'f> {
    /// With its IAM path.
    pub role: &'f str,
    pub kind: NodeKind,
    /// The source of these nodes.
    pub by: NodeSource<'f>,
}

/// A source of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeSource<'f> {
    Group(&'f str),
    Profile(&'f str),
    /// A node class of Karpenter.
    Class(&'f str),
}

impl NodeInventory {
    /// Returns the known uses of roles. Node groups and profiles that are being created or deleted are left out,
    /// because EKS itself writes and removes their entries.
    /// <https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html>
    pub fn uses(&self) -> impl Iterator<Item = Use<'_>> {
        let groups = self.groups.iter().flatten();
        let groups = groups.filter(|group| is_settled(&group.status));
        let groups = groups.filter_map(|group| {
            Some(Use {
                role: group.role.as_deref()?,
                kind: group.kind(),
                by: NodeSource::Group(&group.name),
            })
        });
        let profiles = self.profiles.iter().flatten();
        let profiles = profiles.filter(|profile| is_settled(&profile.status));
        let profiles = profiles.filter_map(|profile| {
            Some(Use {
                role: profile.role.as_deref()?,
                kind: NodeKind::Fargate,
                by: NodeSource::Profile(&profile.name),
            })
        });
        let classes = self.classes.iter().flatten().filter_map(|class| {
            Some(Use {
                role: class.role.as_deref()?,
                kind: NodeKind::Linux,
                by: NodeSource::Class(&class.name),
            })
        });
        groups.chain(profiles).chain(classes)
    }
}

impl NodeGroup {
    /// Returns the kind of its nodes. A custom image is treated as Linux.
    pub fn kind(&self) -> NodeKind {
        match self.ami_type.starts_with("WINDOWS") {
            true => NodeKind::Windows,
            false => NodeKind::Linux,
        }
    }
}

fn is_settled(status: &str) -> bool {
    !["CREATING", "DELETING", "DELETE_FAILED"].contains(&status)
}
