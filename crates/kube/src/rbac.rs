//! Reads RBAC objects: the bindings and roles of some users, or of all.

mod policy;

use std::collections::BTreeSet;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use k8s_openapi::api::rbac::v1::{self, PolicyRule};
use k8s_openapi::{List, ListableResource};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

pub use policy::{RoleScope, bindings, full_policy, policy_in};

use super::api_client::ApiClient;
use super::request_error::{Fault, RequestError};
use awsauth_core::plan::Admins;
use awsauth_core::rbac::{Binding, Policy, Role, RoleKind, RoleRef, Rule, Rules, Subject, Unread};

/// The ClusterRole that allows everything.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles>
const CLUSTER_ADMIN: &str = "cluster-admin";

const API: &str = "/apis/rbac.authorization.k8s.io/v1";

/// The number of roles to read concurrently.
const CONCURRENT_READS: usize = 4;

/// Reads the roles of all bindings in `policy`. What cannot be read is recorded there. Transient faults are retried for at most
/// `time_limit`.
pub async fn read_roles(client: &ApiClient, policy: &mut Policy, time_limit: Duration) {
    let deadline = Instant::now() + time_limit;
    let roles: BTreeSet<Role> = policy.bindings.iter().map(Binding::role).collect();
    let reading = roles.into_iter().map(|role| async move {
        let rules = rules(client, &role, deadline).await;
        (role, rules)
    });
    let mut reading = stream::iter(reading).buffered(CONCURRENT_READS);
    while let Some((role, rules)) = reading.next().await {
        let rules = match rules {
            Ok(rules) => Rules::Known(rules.into_iter().map(rule).collect()),
            Err(Fault::NotFound(_)) => Rules::NoSuchRole,
            Err(fault) => {
                let (resource, of) = match &role.namespace {
                    None => ("clusterroles", String::new()),
                    Some(namespace) => ("roles", format!(" -n {namespace}")),
                };
                let resource = format!("{resource}/{}", role.name);
                policy.unread.push(Unread {
                    permission: permission(&fault, || format!("get {resource}{of}")),
                    why: fault.to_string(),
                    resource,
                    is_one: true,
                });
                Rules::Unread
            }
        };
        policy.roles.insert(role, rules);
    }
}

/// Returns the subjects that ClusterRoleBindings bind to `cluster-admin`.
///
/// # Errors
/// If the API server does not respond within `time_limit`.
pub async fn admins(client: &ApiClient, time_limit: Duration) -> Result<Admins, RequestError> {
    let binds = |binding: &Binding| {
        binding.role.kind == RoleKind::ClusterRole && binding.role.name == CLUSTER_ADMIN
    };
    let deadline = Instant::now() + time_limit;
    let listed = list(client, "clusterrolebindings", of_cluster, binds, deadline).await;
    let bindings = listed.map_err(|fault| client.failed("list", fault))?;
    let mut admins = Admins::default();
    for subject in bindings.into_iter().flat_map(|binding| binding.subjects) {
        match subject {
            Subject::User(name) => drop(admins.users.insert(name)),
            Subject::Group(name) => drop(admins.groups.insert(name)),
            Subject::ServiceAccount { .. } => {}
        }
    }
    Ok(admins)
}

/// Returns a list that could not be read. `of` is kubectl's flag for its namespaces, such as `" -n a"`.
fn unread(resource: &str, of: &str, fault: &Fault) -> Unread {
    Unread {
        resource: resource.to_owned(),
        is_one: false,
        permission: permission(fault, || format!("list {resource}{of}")),
        why: fault.to_string(),
    }
}

fn permission(fault: &Fault, name: impl FnOnce() -> String) -> Option<String> {
    matches!(fault, Fault::Forbidden(_)).then(name)
}

/// Returns the objects of a kind that `keep` accepts.
///
/// With `resourceVersion=0` the API server answers from its watch cache. A consistent list of objects that rarely change
/// waits on a busy cluster until the cache has caught up with all other writes, about 70 ms. The API server then ignores
/// `limit`. <https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list>
async fn list<T: ListableResource + DeserializeOwned, O>(
    client: &ApiClient,
    resource: &str,
    object: impl Fn(T) -> O,
    keep: impl Fn(&O) -> bool,
    deadline: Instant,
) -> Result<Vec<O>, Fault> {
    let path = format!("{API}/{resource}?resourceVersion=0");
    let all: List<T> = client.get(&path, deadline).await?;
    Ok(all.items.into_iter().map(object).filter(keep).collect())
}

async fn rules(
    client: &ApiClient,
    role: &Role,
    deadline: Instant,
) -> Result<Vec<PolicyRule>, Fault> {
    let name = encoded(&role.name);
    let rules = match &role.namespace {
        None => {
            let path = format!("{API}/clusterroles/{name}");
            let role: v1::ClusterRole = client.get(&path, deadline).await?;
            role.rules
        }
        Some(namespace) => {
            let path = format!("{API}/namespaces/{}/roles/{name}", encoded(namespace));
            let role: v1::Role = client.get(&path, deadline).await?;
            role.rules
        }
    };
    Ok(rules.unwrap_or_default())
}

fn of_cluster(binding: v1::ClusterRoleBinding) -> Binding {
    Binding {
        namespace: None,
        name: binding.metadata.name.unwrap_or_default(),
        role: role_ref(binding.role_ref),
        subjects: subjects(binding.subjects, None),
    }
}

fn of_namespace(binding: v1::RoleBinding) -> Binding {
    let namespace = binding.metadata.namespace.unwrap_or_default();
    Binding {
        subjects: subjects(binding.subjects, Some(&namespace)),
        namespace: Some(namespace),
        name: binding.metadata.name.unwrap_or_default(),
        role: role_ref(binding.role_ref),
    }
}

fn role_ref(role: v1::RoleRef) -> RoleRef {
    RoleRef {
        // The API server accepts no other kind.
        kind: match role.kind.as_str() {
            "Role" => RoleKind::Role,
            _ => RoleKind::ClusterRole,
        },
        name: role.name,
    }
}

/// Converts subjects of the kinds that RBAC knows. A service account without a namespace belongs to the binding's
/// namespace.
fn subjects(subjects: Option<Vec<v1::Subject>>, namespace: Option<&str>) -> Vec<Subject> {
    let subject = |subject: v1::Subject| {
        Some(match subject.kind.as_str() {
            "User" => Subject::User(subject.name),
            "Group" => Subject::Group(subject.name),
            "ServiceAccount" => Subject::ServiceAccount {
                namespace: subject
                    .namespace
                    .filter(|namespace| !namespace.is_empty())
                    .or_else(|| namespace.map(str::to_owned))?,
                name: subject.name,
            },
            _ => return None,
        })
    };
    let subjects = subjects.into_iter().flatten();
    subjects.filter_map(subject).collect()
}

fn rule(rule: PolicyRule) -> Rule {
    Rule {
        verbs: rule.verbs,
        api_groups: rule.api_groups.unwrap_or_default(),
        resources: rule.resources.unwrap_or_default(),
        resource_names: rule.resource_names.unwrap_or_default(),
        non_resource_urls: rule.non_resource_urls.unwrap_or_default(),
    }
}

/// Percent-encodes a path segment or a query value. Role names may contain almost any character.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' | b':' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
