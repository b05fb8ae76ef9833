use std::time::Duration;

use tokio::time::Instant;

use super::aws_auth::Reader;
use super::{Way, in_runtime, trouble};
use crate::aws::Surroundings;
use crate::aws::credentials::Resolved;
use crate::aws::eks::{Eks, Untold};
use crate::cluster::fault::Fault;
use crate::cluster::karpenter::{PERMISSION, node_classes};
use crate::cluster::nodes::nodes;
use crate::doctor::evidence::{Node, NodesAtEks, Trouble};
use crate::facts::fleet::NodeClass;

/// Which nodes the cluster knows; an error says what is missing.
pub(crate) struct Joined {
    pub(crate) classes: Result<Vec<NodeClass>, String>,
    pub(crate) nodes: Result<Vec<Node>, String>,
}

/// Asks EKS about the cluster's node groups and Fargate profiles.
pub(crate) fn at_eks(
    resolved: &Resolved,
    profile: Option<&str>,
    surroundings: &Surroundings,
    name: &str,
) -> NodesAtEks {
    let why = |untold: &Untold| format!("{}: {}", untold.action, super::words(&untold.why));
    match Eks::new(resolved, profile, surroundings) {
        Ok(mut eks) => {
            let told = eks.nodes(name);
            NodesAtEks {
                groups: told.groups.map_err(|untold| why(&untold)),
                profiles: told.profiles.map_err(|untold| why(&untold)),
            }
        }
        Err(error) => NodesAtEks {
            groups: Err(super::words(&error)),
            profiles: Err(super::words(&error)),
        },
    }
}

/// Asks the API server for Karpenter's node classes and for the nodes that have joined; `cluster` is its ARN at EKS.
pub(crate) fn joined(
    way: &Way,
    reader: &Reader,
    cluster: &str,
    limit: Duration,
) -> Result<Joined, Trouble> {
    let asked = in_runtime(async {
        let store = reader.store(way).await?;
        let deadline = Instant::now() + limit;
        let (classes, nodes) =
            tokio::join!(node_classes(&store, deadline), nodes(&store, deadline));
        let needs =
            |permission: &str, fault: &Fault| format!("permission to {permission}: {fault}");
        Ok(Joined {
            classes: classes
                .map(|classes| classes.into_iter().map(|class| class.at(cluster)).collect())
                .map_err(|fault| needs(PERMISSION, &fault)),
            nodes: nodes
                .map(|nodes| {
                    let nodes = nodes.into_iter().map(|node| Node {
                        name: node.name,
                        is_instance: node.provider_id.starts_with("aws://")
                            && node.provider_id.contains("/i-"),
                        internal_dns: node.internal_dns,
                    });
                    nodes.collect()
                })
                .map_err(|fault| needs("list nodes", &fault)),
        })
    });
    asked.map_err(|error| trouble(&error, "see what limits this process: ulimit -a"))?
}
