//! Reads node groups, node classes and nodes.

use std::time::Duration;

use tokio::time::Instant;

use super::aws_auth::Reader;
use super::{ConnectOptions, in_runtime, problem};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::ResolvedCredentials;
use awsauth_aws::eks::{Eks, Unavailable};
use awsauth_core::doctor::evidence::{EksNodes, Node, Problem};
use awsauth_core::facts::node_inventory::NodeClass;
use awsauth_kube::node_classes::{KARPENTER, node_classes};
use awsauth_kube::nodes::first_nodes;
use awsauth_kube::request_error::Fault;

/// The cluster's nodes. An error states what is missing.
pub(crate) struct JoinedNodes {
    pub(crate) classes: Result<Vec<NodeClass>, String>,
    pub(crate) nodes: Result<Vec<Node>, String>,
}

/// Asks EKS about the cluster's node groups and Fargate profiles.
pub(crate) fn at_eks(
    resolved: &ResolvedCredentials,
    profile: Option<&str>,
    aws_environment: &AwsEnvironment,
    name: &str,
) -> EksNodes {
    let why = |unavailable: &Unavailable| {
        format!(
            "{}: {}",
            unavailable.action,
            super::error_text(&unavailable.why)
        )
    };
    match Eks::new(resolved, profile, aws_environment) {
        Ok(mut eks) => {
            let nodes = eks.nodes(name);
            EksNodes {
                groups: nodes.groups.map_err(|unavailable| why(&unavailable)),
                profiles: nodes.profiles.map_err(|unavailable| why(&unavailable)),
            }
        }
        Err(error) => EksNodes {
            groups: Err(super::error_text(&error)),
            profiles: Err(super::error_text(&error)),
        },
    }
}

/// Asks the API server for Karpenter's node classes and for the nodes. `cluster` is the cluster's ARN.
pub(crate) fn joined(
    options: &ConnectOptions,
    reader: &Reader,
    cluster: &str,
    limit: Duration,
) -> Result<JoinedNodes, Problem> {
    let asked = in_runtime(async {
        let client = reader.client(options).await?;
        let deadline = Instant::now() + limit;
        let (classes, nodes) = tokio::join!(
            node_classes(KARPENTER, &client, deadline),
            first_nodes(&client, deadline)
        );
        let needs =
            |permission: &str, fault: &Fault| format!("permission to {permission}: {fault}");
        Ok(JoinedNodes {
            classes: classes
                .map(|classes| classes.into_iter().map(|class| class.at(cluster)).collect())
                .map_err(|fault| needs(KARPENTER.permission, &fault)),
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
    asked.map_err(|error| problem(&error, "check the limits of this process: ulimit -a"))?
}
