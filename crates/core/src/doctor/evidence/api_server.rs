//! Evidence from the API server: the signed-in user, aws-auth and permissions.

use jiff::Timestamp;

use super::Problem;
use crate::aws_auth_snapshot::Snapshot;

/// The API server's response to the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedIn {
    /// The user and groups of the token.
    In {
        username: String,
        groups: Vec<String>,
    },
    /// 401: the token is rejected.
    Unauthorized,
    /// 403: the token is accepted, but its user is not allowed to create a SelfSubjectReview.
    Forbidden(String),
    /// The request failed.
    Failed(Problem),
}

/// aws-auth as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsAuth {
    /// How it was read.
    pub place: String,
    /// Whether the ConfigMap exists.
    pub exists: bool,
    /// Its contents.
    pub snapshot: Snapshot,
    /// The last change, if it is recorded.
    pub changed: Option<Timestamp>,
    /// If it does not exist: other ConfigMaps that were probably intended to be it.
    pub misplaced: Vec<ConfigMapName>,
}

/// The namespace and the name of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMapName {
    pub namespace: String,
    pub name: String,
}

/// The response of the API server about one permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionAnswer {
    /// The verb and resource.
    pub question: String,
    pub allowed: bool,
    /// The reason that the API server gives.
    pub reason: Option<String>,
}
