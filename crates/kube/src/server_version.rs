//! The Kubernetes version of an API server.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::ApiClient;
use super::request_error::RequestError;

/// The public version information of an API server.
///
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerVersion {
    /// Such as `v1.36.0`, or `v1.36.0-eks-1a2b3c4` on EKS.
    pub git_version: String,
    /// Such as `linux/amd64`.
    pub platform: String,
}

/// Requests the version.
///
/// # Errors
/// If the API server rejects the credentials, or does not respond within `time_limit`.
pub async fn version(
    client: &ApiClient,
    time_limit: Duration,
) -> Result<ServerVersion, RequestError> {
    let deadline = Instant::now() + time_limit;
    let asked = client.get("/version", deadline).await;
    asked.map_err(|fault| client.failed("get", fault))
}
