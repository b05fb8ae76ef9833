//! Asks the API server who somebody is to it, and what they may do.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReviewStatus;
use k8s_openapi::api::authorization::v1::SubjectAccessReviewStatus;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api_client::Store;
use super::discovery::{Resource, Resources};
use super::request_error::{Fault, RequestError};
use super::{NAME, NAMESPACE};
use awsauth_core::authenticator::User;
use awsauth_core::rbac::{Asked, Namespace, Question};

/// Who a caller is to the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reviewed {
    /// The user.
    pub username: String,
    /// What tells apart users of the same name over time.
    pub uid: Option<String>,
    /// The groups, those included that the API server adds.
    pub groups: Vec<String>,
    /// What else the authenticator says.
    /// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/server/server.go>
    pub extra: BTreeMap<String, Vec<String>>,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Yes or no.
    pub allowed: bool,
    /// Why, as far as the authorizer says; or what stood in its way.
    pub reason: Option<String>,
    /// Whether the API server knows no such resource, so that the answer tells little.
    pub is_unknown_resource: bool,
}

/// An object that was sent, of which only what the API server filled in is read.
#[derive(Deserialize)]
struct Filled<T> {
    status: T,
}

impl Reviewed {
    /// What the authenticator says of the caller under `arn`, `canonicalArn`, `sessionName` or `accessKeyId`, if it does.
    pub fn says(&self, key: &str) -> Option<&str> {
        self.extra.get(key)?.first().map(String::as_str)
    }

    /// The user.
    pub fn user(&self) -> User {
        User {
            username: self.username.clone(),
            groups: self.groups.clone(),
        }
    }
}

/// Asks who the caller is.
///
/// # Errors
/// When the API server does not accept the caller, or can't answer within `patience`.
pub async fn who(store: &Store, patience: Duration) -> Result<Reviewed, RequestError> {
    let deadline = Instant::now() + patience;
    let ask = async |version: &str| {
        let group = "authentication.k8s.io";
        let path = format!("/apis/{group}/{version}/selfsubjectreviews");
        let object =
            json!({"apiVersion": format!("{group}/{version}"), "kind": "SelfSubjectReview"});
        store.post(&path, &object, deadline).await
    };
    let asked = match ask("v1").await {
        // Before Kubernetes 1.28.
        Err(Fault::NotFound(_)) => ask("v1beta1").await,
        asked => asked,
    };
    let Filled::<SelfSubjectReviewStatus> { status } =
        asked.map_err(|fault| store.failed("create", fault))?;
    let user = status.user_info.unwrap_or_default();
    Ok(Reviewed {
        username: user.username.unwrap_or_default(),
        uid: user.uid,
        groups: user.groups.unwrap_or_default(),
        extra: user.extra.unwrap_or_default(),
    })
}

/// Asks whether the caller may do each of these, in order. `namespace` is the one that counts where none is named.
///
/// # Errors
/// As [`who`].
pub async fn may(
    store: &Store,
    questions: &[Question],
    namespace: &str,
    patience: Duration,
) -> Result<Vec<Answer>, RequestError> {
    ask(store, None, questions, namespace, patience).await
}

/// The same of somebody else, which the caller must be permitted to ask.
///
/// # Errors
/// As [`who`].
pub async fn may_they(
    store: &Store,
    they: &User,
    questions: &[Question],
    namespace: &str,
    patience: Duration,
) -> Result<Vec<Answer>, RequestError> {
    ask(store, Some(they), questions, namespace, patience).await
}

/// Asks whether the caller, or another user whom the caller must be permitted to ask about, may update aws-auth.
///
/// # Errors
/// As [`who`].
pub async fn may_update(
    store: &Store,
    they: Option<&User>,
    patience: Duration,
) -> Result<bool, RequestError> {
    let attributes =
        json!({"verb": "update", "resource": "configmaps", "name": NAME, "namespace": NAMESPACE});
    let mut spec = json!({ "resourceAttributes": attributes });
    let status = review(store, they, &mut spec, Instant::now() + patience).await?;
    Ok(status.allowed)
}

/// Sends a question as the caller's own, or as one about somebody else.
async fn review(
    store: &Store,
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
    let answered = store.post(&path, &object, deadline).await;
    let Filled { status } = answered.map_err(|fault| store.failed("create", fault))?;
    Ok(status)
}

async fn ask(
    store: &Store,
    they: Option<&User>,
    questions: &[Question],
    namespace: &str,
    patience: Duration,
) -> Result<Vec<Answer>, RequestError> {
    let deadline = Instant::now() + patience;
    let about_resources = |question: &Question| matches!(question.of, Asked::Resource { .. });
    let resources = if questions.iter().any(about_resources) {
        // Who may not ask for them types them as RBAC has them.
        Resources::read(store, deadline).await.ok()
    } else {
        None
    };
    let mut answers = Vec::new();
    for question in questions {
        let (mut spec, is_unknown_resource) = spec(question, resources.as_ref(), namespace);
        let status = review(store, they, &mut spec, deadline).await?;
        let said = [status.reason, status.evaluation_error];
        let said: Vec<String> = said
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
            .collect();
        answers.push(Answer {
            allowed: status.allowed,
            reason: (!said.is_empty()).then(|| said.join("; ")),
            is_unknown_resource,
        });
    }
    Ok(answers)
}

/// What to ask of the authorizer, and whether the API server knows no such resource.
fn spec(question: &Question, resources: Option<&Resources>, current: &str) -> (Value, bool) {
    let verb = &question.verb;
    let (kind, name, subresource, namespace) = match &question.of {
        Asked::Url(path) => {
            let spec = json!({"nonResourceAttributes": {"verb": verb, "path": path}});
            return (spec, false);
        }
        Asked::Resource {
            kind,
            name,
            subresource,
            namespace,
        } => (kind, name, subresource, namespace),
    };
    let found = resources.and_then(|resources| resources.find(kind));
    let (group, resource) = match found {
        Some(Resource { group, plural, .. }) => (group.as_str(), plural.as_str()),
        None if kind == "*" => ("*", "*"),
        None => {
            let (resource, group) = kind.split_once('.').unwrap_or((kind, ""));
            (group, resource)
        }
    };
    let namespace = match namespace {
        _ if found.is_some_and(|resource| !resource.is_namespaced) => "",
        Namespace::Current => current,
        Namespace::Named(name) => name,
        Namespace::All => "",
    };
    let spec = json!({"resourceAttributes": {
        "verb": verb, "group": group, "resource": resource, "name": name,
        "subresource": subresource, "namespace": namespace,
    }});
    // Impersonation is of things that are no resources.
    let is_known = found.is_some() || resource == "*" || verb == "impersonate";
    (spec, resources.is_some() && !is_known)
}
