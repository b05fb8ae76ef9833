//! The nodes that have joined.

use k8s_openapi::List;
use k8s_openapi::api::core::v1::Node;
use tokio::time::Instant;

use super::api_client::Store;
use super::request_error::Fault;

/// So many are looked at: names are right or wrong for all of them alike.
const ENOUGH: u32 = 500;

/// What a node is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// Its object's name.
    pub name: String,
    /// Where it runs, such as `aws:///eu-west-1a/i-0123456789abcdef0`; empty when nobody says it.
    pub provider_id: String,
    /// Its addresses of the type InternalDNS.
    pub internal_dns: Vec<String>,
}

/// The nodes of the cluster, the first of them.
///
/// # Errors
/// When the API server does not tell.
pub async fn nodes(store: &Store, deadline: Instant) -> Result<Vec<Called>, Fault> {
    let path = format!("/api/v1/nodes?limit={ENOUGH}");
    let list: List<Node> = store.get(&path, deadline).await?;
    Ok(list.items.into_iter().map(called).collect())
}

fn called(node: Node) -> Called {
    let addresses = node.status.and_then(|status| status.addresses);
    let addresses = addresses.into_iter().flatten();
    let internal = addresses.filter(|address| address.type_ == "InternalDNS");
    Called {
        name: node.metadata.name.unwrap_or_default(),
        provider_id: node
            .spec
            .and_then(|spec| spec.provider_id)
            .unwrap_or_default(),
        internal_dns: internal.map(|address| address.address).collect(),
    }
}
