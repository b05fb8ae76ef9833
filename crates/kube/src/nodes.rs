//! The cluster's nodes.

use std::collections::BTreeMap;

use k8s_openapi::List;
use k8s_openapi::api::core::v1::Node;
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::request_error::Fault;

/// The number of nodes in a page. A node takes up to about 20 KiB.
const PER_PAGE: u32 = 500;

/// The names of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeNames {
    pub name: String,
    /// The provider id, such as `aws:///eu-west-1a/i-0123456789abcdef0`; empty if unknown.
    pub provider_id: String,
    /// The addresses of the type InternalDNS.
    pub internal_dns: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

/// Returns the names of the cluster's first nodes. If names are wrong, they are usually wrong on all nodes.
///
/// # Errors
/// If the API server does not respond.
pub async fn first_nodes(client: &ApiClient, deadline: Instant) -> Result<Vec<NodeNames>, Fault> {
    let (nodes, _) = page("", client, deadline).await?;
    Ok(nodes)
}

/// Returns the names of all nodes.
///
/// # Errors
/// If the API server does not respond.
pub async fn all_nodes(client: &ApiClient, deadline: Instant) -> Result<Vec<NodeNames>, Fault> {
    let (mut nodes, mut token) = page("", client, deadline).await?;
    while let Some(next) = token.filter(|token| !token.is_empty()) {
        let (more, next) = page(&next, client, deadline).await?;
        nodes.extend(more);
        token = next;
    }
    Ok(nodes)
}

async fn page(
    token: &str,
    client: &ApiClient,
    deadline: Instant,
) -> Result<(Vec<NodeNames>, Option<String>), Fault> {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("limit", &PER_PAGE.to_string())
        .extend_pairs((!token.is_empty()).then_some(("continue", token)))
        .finish();
    let list: List<Node> = client
        .get(&format!("/api/v1/nodes?{query}"), deadline)
        .await?;
    let nodes = list.items.into_iter().map(names).collect();
    Ok((nodes, list.metadata.continue_))
}

fn names(node: Node) -> NodeNames {
    let addresses = node.status.and_then(|status| status.addresses);
    let addresses = addresses.into_iter().flatten();
    let internal = addresses.filter(|address| address.type_ == "InternalDNS");
    NodeNames {
        name: node.metadata.name.unwrap_or_default(),
        labels: node.metadata.labels.unwrap_or_default(),
        provider_id: node
            .spec
            .and_then(|spec| spec.provider_id)
            .unwrap_or_default(),
        internal_dns: internal.map(|address| address.address).collect(),
    }
}
