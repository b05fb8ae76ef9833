//! Which version of Kubernetes an API server is.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::Store;
use super::request_error::RequestError;

/// What an API server says of itself to everybody.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerVersion {
    /// Such as `v1.36.0`, or `v1.36.0-eks-1a2b3c4` on EKS.
    pub git_version: String,
    /// Such as `linux/amd64`.
    pub platform: String,
}

/// Asks the API server.
///
/// # Errors
/// When it does not accept the caller, or can't answer within `patience`.
pub async fn version(store: &Store, patience: Duration) -> Result<ServerVersion, RequestError> {
    let deadline = Instant::now() + patience;
    let asked = store.get("/version", deadline).await;
    asked.map_err(|fault| store.failed("get", fault))
}
