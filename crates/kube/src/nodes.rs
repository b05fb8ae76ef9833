//! The cluster's nodes.

use k8s_openapi::List;
use k8s_openapi::api::core::v1::Node;
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::request_error::Fault;

/// How many nodes are read. If names are wrong, they are usually wrong on all nodes.
const MAX_NODES: u32 = 500;

/// The names of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeNames {
    pub name: String,
    /// The provider id, such as `aws:///eu-west-1a/i-0123456789abcdef0`; empty if unknown.
    pub provider_id: String,
    /// The addresses of the type InternalDNS.
    pub internal_dns: Vec<String>,
}

/// Returns the names of the cluster's first nodes.
///
/// # Errors
/// If the API server does not respond.
pub async fn nodes(client: &ApiClient, deadline: Instant) -> Result<Vec<NodeNames>, Fault> {
    let path = format!("/api/v1/nodes?limit={MAX_NODES}");
    let list: List<Node> = client.get(&path, deadline).await?;
    Ok(list.items.into_iter().map(names).collect())
}

fn names(node: Node) -> NodeNames {
    let addresses = node.status.and_then(|status| status.addresses);
    let addresses = addresses.into_iter().flatten();
    let internal = addresses.filter(|address| address.type_ == "InternalDNS");
    NodeNames {
        name: node.metadata.name.unwrap_or_default(),
        provider_id: node
            .spec
            .and_then(|spec| spec.provider_id)
            .unwrap_or_default(),
        internal_dns: internal.map(|address| address.address).collect(),
    }
}
