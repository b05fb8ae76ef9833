//! Evidence about nodes.

use super::{Collected, Evidence};
use crate::doctor::Skipped;
use crate::facts::node_inventory::{FargateProfile, NodeClass, NodeGroup, NodeInventory};

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    /// Whether it is an EC2 instance.
    pub is_instance: bool,
    /// Its addresses of type InternalDNS.
    pub internal_dns: Vec<String>,
}

/// The node groups and Fargate profiles of a cluster; an error names the missing permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EksNodes {
    pub groups: Result<Vec<NodeGroup>, String>,
    pub profiles: Result<Vec<FargateProfile>, String>,
}

impl Evidence {
    /// Returns the roles of the cluster's nodes, as far as known.
    pub(in crate::doctor) fn node_inventory(&self) -> Result<NodeInventory, Skipped> {
        let at_eks = self.eks_nodes.seen()?;
        let classes: Option<&Vec<NodeClass>> = match &self.node_classes {
            Collected::Seen(Ok(classes)) => Some(classes),
            _ => None,
        };
        if let (Err(why), Err(_)) = (&at_eks.groups, &at_eks.profiles) {
            return Err(Skipped::needs(why));
        }
        Ok(NodeInventory {
            groups: at_eks.groups.as_ref().ok().cloned(),
            profiles: at_eks.profiles.as_ref().ok().cloned(),
            classes: classes.cloned(),
            ..NodeInventory::default()
        })
    }
}
