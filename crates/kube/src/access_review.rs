//! Access reviews: which user the API server authenticates, and what a user can do.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReviewStatus;
use k8s_openapi::api::authorization::v1::SubjectAccessReviewStatus;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::discovery::Resources;
use super::request_error::{Fault, RequestError};
use super::{NAME, NAMESPACE};
use awsauth_core::authenticator::User;
use awsauth_core::history::Who;
use awsauth_core::rbac::{Action, Question, Scope, Target};

/// The user that the API server authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterUser {
    pub username: String,
    /// Distinguishes users of the same name over time.
    pub uid: Option<String>,
    /// The groups, including those that the API server adds.
    pub groups: Vec<String>,
    /// Additional attributes that the authenticator sets.
    ///
    /// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/server/server.go>
    pub extra: BTreeMap<String, Vec<String>>,
}

/// The result of an access review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub allowed: bool,
    /// The authorizer's reason, or its error.
    pub reason: Option<String>,
    /// Whether the API server has no such resource, so that the result is not meaningful.
    pub is_unknown_resource: bool,
}

/// A review whose status the API server has filled in.
#[derive(Deserialize)]
struct Filled<T> {
    status: T,
}

impl ClusterUser {
    /// Returns the attribute `arn`, `canonicalArn`, `sessionName` or `accessKeyId` that the authenticator set, if any.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.extra.get(key)?.first().map(String::as_str)
    }

    /// Returns the user as the history records it.
    pub fn who(self) -> Who {
        Who {
            arn: self.attribute("arn").map(str::to_owned),
            username: Some(self.username),
            manager: None,
        }
    }

    pub fn user(&self) -> User {
        User {
            username: self.username.clone(),
            groups: self.groups.clone(),
        }
    }
}

/// Returns the user that the API server authenticates.
///
/// # Errors
/// If the API server rejects the credentials, or does not respond within `time_limit`.
pub async fn current_user(
    client: &ApiClient,
    time_limit: Duration,
) -> Result<ClusterUser, RequestError> {
    let deadline = Instant::now() + time_limit;
    let ask = async |version: &str| {
        let group = "authentication.k8s.io";
        let path = format!("/apis/{group}/{version}/selfsubjectreviews");
        let object =
            json!({"apiVersion": format!("{group}/{version}"), "kind": "SelfSubjectReview"});
        client.post(&path, &object, deadline).await
    };
    let asked = match ask("v1").await {
        // Before Kubernetes 1.28.
        Err(Fault::NotFound(_)) => ask("v1beta1").await,
        asked => asked,
    };
    let Filled::<SelfSubjectReviewStatus> { status } =
        asked.map_err(|fault| client.failed("create", fault))?;
    let user = status.user_info.unwrap_or_default();
    Ok(ClusterUser {
        username: user.username.unwrap_or_default(),
        uid: user.uid,
        groups: user.groups.unwrap_or_default(),
        extra: user.extra.unwrap_or_default(),
    })
}

/// Checks whether the current user can do each of these, in order. `namespace` applies to questions without one.
///
/// # Errors
/// If the API server rejects the request, or does not respond within the time limit.
pub async fn check_access(
    client: &ApiClient,
    questions: &[Question],
    namespace: &str,
    time_limit: Duration,
) -> Result<Vec<Answer>, RequestError> {
    ask(client, None, questions, namespace, time_limit).await
}

/// Checks the same permissions for another user. The current user needs permission to do so.
///
/// # Errors
/// If the API server rejects the request, or does not respond within the time limit.
pub async fn check_access_of(
    client: &ApiClient,
    they: &User,
    questions: &[Question],
    namespace: &str,
    time_limit: Duration,
) -> Result<Vec<Answer>, RequestError> {
    ask(client, Some(they), questions, namespace, time_limit).await
}

/// Checks whether the current user, or else `they`, may update aws-auth. Checking another user requires permission.
///
/// # Errors
/// If the API server rejects the request, or does not respond within the time limit.
pub async fn can_update_aws_auth(
    client: &ApiClient,
    they: Option<&User>,
    time_limit: Duration,
) -> Result<bool, RequestError> {
    let attributes =
        json!({"verb": "update", "resource": "configmaps", "name": NAME, "namespace": NAMESPACE});
    let mut spec = json!({ "resourceAttributes": attributes });
    let status = review(client, they, &mut spec, Instant::now() + time_limit).await?;
    Ok(status.allowed)
}

/// Sends an access review for the current user or for another one.
async fn review(
    client: &ApiClient,
    they: Option<&User>,
    spec: &mut Value,
    deadline: Instant,
) -> Result<SubjectAccessReviewStatus, RequestError> {
    let (plural, kind) = match they {
        None => ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        Some(they) => {
            spec["user"] = json!(they.username);
            spec["groups"] = json!(they.groups);
            ("subjectaccessreviews", "SubjectAccessReview")
        }
    };
    let path = format!("/apis/authorization.k8s.io/v1/{plural}");
    let object = json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec});
    let answered = client.post(&path, &object, deadline).await;
    let Filled { status } = answered.map_err(|fault| client.failed("create", fault))?;
    Ok(status)
}

async fn ask(
    client: &ApiClient,
    they: Option<&User>,
    questions: &[Question],
    namespace: &str,
    time_limit: Duration,
) -> Result<Vec<Answer>, RequestError> {
    let deadline = Instant::now() + time_limit;
    let about_resources = |question: &Question| matches!(question.target, Target::Resource { .. });
    let read = if questions.iter().any(about_resources) {
        // Without permission for discovery, names are used as typed.
        Resources::read(client, deadline).await.ok()
    } else {
        None
    };
    let are_known = read.is_some();
    let resources = read.unwrap_or_default();
    let mut answers = Vec::new();
    for question in questions {
        let resolved = resources.resolve(question, namespace);
        let is_unknown_resource = are_known && resolved.resource.is_unknown();
        let mut spec = spec(&resolved.action);
        let status = review(client, they, &mut spec, deadline).await?;
        let reasons = [status.reason, status.evaluation_error];
        let reasons: Vec<String> = reasons
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
            .collect();
        answers.push(Answer {
            allowed: status.allowed,
            reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
            is_unknown_resource,
        });
    }
    Ok(answers)
}

/// Returns the attributes of an action in the form of a review's spec.
fn spec(action: &Action) -> Value {
    match action {
        Action::Path { verb, path } => {
            json!({"nonResourceAttributes": {"verb": verb, "path": path}})
        }
        Action::Resource {
            verb,
            group,
            resource,
            subresource,
            name,
            scope,
        } => {
            let namespace = match scope {
                Scope::Namespace(name) => name,
                Scope::Cluster | Scope::AllNamespaces => "",
            };
            json!({"resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "name": name,
                "subresource": subresource, "namespace": namespace,
            }})
        }
    }
}
