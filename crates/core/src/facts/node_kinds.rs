//! The standard entry of each kind of node.

use super::access_entries::AUTO_MODE;
use super::groups::OF_NODES;

/// The username of EC2 instances: their private DNS name, which the authenticator gets from EC2.
const EC2_USERNAME: &str = "system:node:{{EC2PrivateDNSName}}";
/// The username of nodes whose session name is the node's name.
const SESSION_USERNAME: &str = "system:node:{{SessionName}}";

/// A kind of node, by the entry that its IAM role needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// EC2 instances with Linux:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html#aws-auth-configmap>
    Linux,
    /// EC2 instances with Windows, where kube-proxy needs a further group:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html>
    Windows,
    /// Pods on Fargate, with the profile's pod execution role:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/migrating-access-entries.html>
    Fargate,
    /// Machines outside AWS (EKS Hybrid Nodes):
    /// <https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-cluster-prep.html>
    Hybrid,
    /// EC2 instances of EKS Auto Mode, which only an access entry can map:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html>
    AutoMode,
}

impl NodeKind {
    /// The kinds that aws-auth can map, in the order of the help.
    pub const ALL: [Self; 4] = [Self::Linux, Self::Windows, Self::Fargate, Self::Hybrid];

    /// Returns the name in command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
            Self::Fargate => "fargate",
            Self::Hybrid => "hybrid",
            Self::AutoMode => "auto-mode",
        }
    }

    /// Returns the type of the equivalent access entry:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>
    pub const fn access_entry_type(self) -> &'static str {
        match self {
            Self::Linux => "EC2_LINUX",
            Self::Windows => "EC2_WINDOWS",
            Self::Fargate => "FARGATE_LINUX",
            Self::Hybrid => "HYBRID_LINUX",
            Self::AutoMode => AUTO_MODE,
        }
    }

    /// Returns the kind of an access entry's type.
    pub fn of_access_entry(kind: &str) -> Option<Self> {
        let mut kinds = Self::ALL.into_iter().chain([Self::AutoMode]);
        kinds.find(|known| known.access_entry_type() == kind)
    }

    /// Returns whether this is the username of such nodes, and these are exactly their groups, in any order.
    pub fn is_user(self, username: &str, groups: &[String]) -> bool {
        let mut expected = self.groups().iter();
        username == self.username()
            && groups.len() == self.groups().len()
            && expected.all(|group| groups.iter().any(|own| own == group))
    }

    /// Returns the username template.
    pub const fn username(self) -> &'static str {
        match self {
            Self::Linux | Self::Windows | Self::AutoMode => EC2_USERNAME,
            Self::Fargate | Self::Hybrid => SESSION_USERNAME,
        }
    }

    /// Returns the groups, in the order of EKS and its documentation.
    pub const fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Linux | Self::Hybrid | Self::AutoMode => &OF_NODES,
            Self::Windows => &[
                "system:bootstrappers",
                "system:nodes",
                "eks:kube-proxy-windows",
            ],
            Self::Fargate => &[
                "system:bootstrappers",
                "system:nodes",
                "system:node-proxier",
            ],
        }
    }
}
