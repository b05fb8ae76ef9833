//! The ClusterRoleBinding that makes the members of a group administrators.

use std::time::Duration;

use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use serde_json::json;
use thiserror::Error;
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::rbac::encoded;
use super::request_error::{Fault, RequestError};
use awsauth_core::facts::access_entries::CLUSTER_ADMIN_ROLE;

const PATH: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const MANAGER: &str = "awsauth";

/// Why a group is not bound.
#[derive(Debug, Error)]
pub enum BindingError {
    /// The request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Another binding has the name.
    #[error(
        "the ClusterRoleBinding {name} exists and does not bind the group {name} to cluster-admin"
    )]
    Different { name: String },
}

impl BindingError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Request(error) => match &error.fault {
                Fault::Forbidden(_) => format!(
                    "only a cluster administrator may bind a group to {CLUSTER_ADMIN_ROLE}: run the command as one, or ask one to create the binding"
                ),
                _ => error.hint(),
            },
            Self::Different { .. } => {
                "choose another group that no user has: --masters group=NAME".to_owned()
            }
        }
    }
}

/// Binds a group to `cluster-admin` with a ClusterRoleBinding of the group's name. Returns whether it was created; an
/// existing one that does the same is accepted.
///
/// # Errors
/// If another binding has the name, the caller may not create it, or the API server does not answer in time.
pub async fn bind_cluster_admin(
    client: &ApiClient,
    group: &str,
    time_limit: Duration,
) -> Result<bool, BindingError> {
    let deadline = Instant::now() + time_limit;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": group, "labels": {MANAGED_BY: MANAGER}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": CLUSTER_ADMIN_ROLE},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
    });
    let created = client
        .post::<ClusterRoleBinding>(PATH, &binding, deadline)
        .await;
    match created {
        Ok(_) => return Ok(true),
        // An earlier run created it, or a request whose answer was lost.
        Err(Fault::AlreadyExists(_)) => {}
        Err(fault) => return Err(client.failed("create", fault).into()),
    }
    let found = read(client, group, deadline).await?;
    match found.is_some_and(|found| binds(&found, group)) {
        true => Ok(false),
        false => Err(BindingError::Different {
            name: group.to_owned(),
        }),
    }
}

/// Deletes the binding that [`bind_cluster_admin`] creates. Returns whether it existed; another one stays.
///
/// # Errors
/// If the caller may not delete it, or the API server does not answer in time.
pub async fn unbind_cluster_admin(
    client: &ApiClient,
    group: &str,
    time_limit: Duration,
) -> Result<bool, BindingError> {
    let deadline = Instant::now() + time_limit;
    let found = read(client, group, deadline).await?;
    let is_own = |found: &ClusterRoleBinding| {
        let labels = found.metadata.labels.as_ref();
        let manager = labels.and_then(|labels| labels.get(MANAGED_BY));
        manager.is_some_and(|manager| manager == MANAGER) && binds(found, group)
    };
    if !found.as_ref().is_some_and(is_own) {
        return Ok(false);
    }
    match client.delete(&path_of(group), deadline).await {
        Ok(()) => Ok(true),
        Err(Fault::NotFound(_)) => Ok(false),
        Err(fault) => Err(client.failed("delete", fault).into()),
    }
}

async fn read(
    client: &ApiClient,
    group: &str,
    deadline: Instant,
) -> Result<Option<ClusterRoleBinding>, BindingError> {
    match client.get(&path_of(group), deadline).await {
        Ok(found) => Ok(Some(found)),
        Err(Fault::NotFound(_)) => Ok(None),
        Err(fault) => Err(client.failed("get", fault).into()),
    }
}

fn path_of(name: &str) -> String {
    format!("{PATH}/{}", encoded(name))
}

/// Whether a binding binds the group to `cluster-admin`.
fn binds(binding: &ClusterRoleBinding, group: &str) -> bool {
    let role = &binding.role_ref;
    let mut subjects = binding.subjects.iter().flatten();
    role.kind == "ClusterRole"
        && role.name == CLUSTER_ADMIN_ROLE
        && subjects.any(|subject| subject.kind == "Group" && subject.name == group)
}
