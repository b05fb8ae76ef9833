//! Whether the cluster's nodes are ready.

use k8s_openapi::List;
use k8s_openapi::api::core::v1::Node;
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::request_error::Fault;

/// The maximum number of nodes to read.
const MAX_NODES: u32 = 500;

/// The names of the cluster's first nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeReadiness {
    pub ready: Vec<String>,
    pub not_ready: Vec<String>,
}

/// Reads which nodes are ready.
///
/// # Errors
/// If the API server does not respond.
pub async fn node_readiness(client: &ApiClient, deadline: Instant) -> Result<NodeReadiness, Fault> {
    let path = format!("/api/v1/nodes?limit={MAX_NODES}");
    let list: List<Node> = client.get(&path, deadline).await?;
    let (ready, not_ready): (Vec<Node>, Vec<Node>) = list.items.into_iter().partition(is_ready);
    let names = |nodes: Vec<Node>| {
        let nodes = nodes.into_iter();
        nodes.filter_map(|node| node.metadata.name).collect()
    };
    Ok(NodeReadiness {
        ready: names(ready),
        not_ready: names(not_ready),
    })
}

/// Returns whether the kubelet reports that the node is ready.
/// <https://kubernetes.io/docs/reference/node/node-status/#condition>
fn is_ready(node: &Node) -> bool {
    let status = node.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
