//! A cluster's nodes, by the IAM roles that they sign in with.

use super::node_kinds::NodeKind;

/// What a cluster's nodes sign in with. What could not be read is `None`.
///
/// Instances that neither a managed node group nor Karpenter has started are not here: only EC2 knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// The managed node groups.
    pub groups: Option<Vec<NodeGroup>>,
    /// The Fargate profiles.
    pub profiles: Option<Vec<FargateProfile>>,
    /// Karpenter's node classes.
    pub classes: Option<Vec<NodeClass>>,
}

/// A managed node group.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeGroup {
    /// Its name.
    pub name: String,
    /// The ARN of its nodes' role, with its IAM path.
    pub role: Option<String>,
    /// EKS's word for what the nodes run, such as `AL2023_x86_64_STANDARD`.
    pub ami_type: String,
    /// EKS's word, such as `ACTIVE`.
    pub status: String,
    /// What EKS finds wrong with it.
    pub issues: Vec<Issue>,
}

/// Something that EKS finds wrong with a node group.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// EKS's word, such as `AccessDenied`.
    pub code: String,
    /// EKS's sentence.
    pub message: String,
    /// What it is about.
    pub resources: Vec<String>,
}

/// A Fargate profile.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_FargateProfile.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FargateProfile {
    /// Its name.
    pub name: String,
    /// The ARN of its pod execution role, with its IAM path.
    pub role: Option<String>,
    /// EKS's word, such as `ACTIVE`.
    pub status: String,
}

/// An EC2NodeClass, by which Karpenter starts instances: <https://karpenter.sh/docs/concepts/nodeclasses/>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeClass {
    /// Its name.
    pub name: String,
    /// The ARN of its nodes' role; `None` when it names an instance profile whose role is not known.
    pub role: Option<String>,
    /// The instance profile that it names in place of a role.
    pub instance_profile: Option<String>,
}

/// One use of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use<'f> {
    /// The role's ARN, with its IAM path.
    pub role: &'f str,
    /// What kind of node signs in with it.
    pub kind: NodeKind,
    /// Who starts these nodes.
    pub by: Starter<'f>,
}

/// Who starts nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter<'f> {
    /// The managed node group of this name.
    Group(&'f str),
    /// The Fargate profile of this name.
    Profile(&'f str),
    /// Karpenter, by the node class of this name.
    Class(&'f str),
}

impl Fleet {
    /// Every known use of a role. What is being made or unmade is left out: there EKS writes and removes the entry itself.
    /// <https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html>
    pub fn uses(&self) -> impl Iterator<Item = Use<'_>> {
        let groups = self.groups.iter().flatten();
        let groups = groups.filter(|group| is_settled(&group.status));
        let groups = groups.filter_map(|group| {
            Some(Use {
                role: group.role.as_deref()?,
                kind: group.kind(),
                by: Starter::Group(&group.name),
            })
        });
        let profiles = self.profiles.iter().flatten();
        let profiles = profiles.filter(|profile| is_settled(&profile.status));
        let profiles = profiles.filter_map(|profile| {
            Some(Use {
                role: profile.role.as_deref()?,
                kind: NodeKind::Fargate,
                by: Starter::Profile(&profile.name),
            })
        });
        let classes = self.classes.iter().flatten().filter_map(|class| {
            Some(Use {
                role: class.role.as_deref()?,
                kind: NodeKind::Linux,
                by: Starter::Class(&class.name),
            })
        });
        groups.chain(profiles).chain(classes)
    }
}

impl NodeGroup {
    /// The kind of its nodes. An image of one's own is taken for Linux.
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
