//! Reads the bindings of all users and groups.

use std::time::Duration;

use k8s_openapi::ListableResource;
use k8s_openapi::api::rbac::v1;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::super::NAMESPACE;
use super::super::api_client::ApiClient;
use super::{encoded, list, of_cluster, of_namespace, rule, unread};
use awsauth_core::rbac::{Binding, Policy, Role, Rules, Scope, Subject, Unread};

/// The namespaces whose objects are read.
#[derive(Clone, Copy)]
enum Namespaces<'a> {
    All,
    One(&'a str),
}

/// Which Roles to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleScope {
    /// The Roles of kube-system.
    KubeSystem,
    /// The Roles of every namespace.
    All,
}

/// Reads every binding of a user or a group, every ClusterRole, and these Roles. What cannot be read is
/// recorded in the result. Transient faults are retried for at most `time_limit`.
pub async fn full_policy(client: &ApiClient, roles: RoleScope, time_limit: Duration) -> Policy {
    // There may be thousands of service accounts.
    let keep = |binding: &Binding| {
        let mut subjects = binding.subjects.iter();
        subjects.any(|subject| !matches!(subject, Subject::ServiceAccount { .. }))
    };
    let roles = match roles {
        RoleScope::KubeSystem => Namespaces::One(NAMESPACE),
        RoleScope::All => Namespaces::All,
    };
    read(client, Some((Namespaces::All, roles)), keep, time_limit).await
}

/// Reads every binding and role that may allow an action in this scope. What cannot be read is recorded in the result.
/// Transient faults are retried for at most `time_limit`.
pub async fn policy_in(client: &ApiClient, scope: &Scope, time_limit: Duration) -> Policy {
    let namespaces = match scope {
        Scope::Cluster => None,
        Scope::Namespace(name) => Some(Namespaces::One(name)),
        Scope::AllNamespaces => Some(Namespaces::All),
    };
    let both = namespaces.map(|namespaces| (namespaces, namespaces));
    read(client, both, |_| true, time_limit).await
}

/// Reads all bindings, and no roles. What cannot be read is recorded in the result. Transient faults are retried for at most
/// `time_limit`.
pub async fn bindings(client: &ApiClient, time_limit: Duration) -> Policy {
    let deadline = Instant::now() + time_limit;
    bindings_in(client, Some(Namespaces::All), |_| true, deadline).await
}

/// Reads ClusterRoles and ClusterRoleBindings, and the RoleBindings and Roles of some namespaces.
async fn read(
    client: &ApiClient,
    namespaces: Option<(Namespaces<'_>, Namespaces<'_>)>,
    keep: impl Fn(&Binding) -> bool + Copy,
    time_limit: Duration,
) -> Policy {
    let deadline = Instant::now() + time_limit;
    let (bindings_in_namespaces, roles_in) = namespaces.unzip();
    let (mut policy, cluster_roles, roles) = tokio::join!(
        bindings_in(client, bindings_in_namespaces, keep, deadline),
        list(client, "clusterroles", of_cluster_role, |_| true, deadline),
        list_in(client, roles_in, "roles", of_role, |_| true, deadline),
    );
    let cluster_roles = cluster_roles.map_err(|fault| unread("clusterroles", "", &fault));
    for listed in [cluster_roles, roles] {
        match listed {
            Ok(roles) => policy.roles.extend(roles),
            Err(unread) => policy.unread.push(unread),
        }
    }
    policy
}

/// Reads ClusterRoleBindings, and the RoleBindings of some namespaces, that `keep` accepts.
async fn bindings_in(
    client: &ApiClient,
    namespaces: Option<Namespaces<'_>>,
    keep: impl Fn(&Binding) -> bool + Copy,
    deadline: Instant,
) -> Policy {
    let (cluster, namespaced) = tokio::join!(
        list(client, "clusterrolebindings", of_cluster, keep, deadline),
        list_in(
            client,
            namespaces,
            "rolebindings",
            of_namespace,
            keep,
            deadline
        ),
    );
    let mut policy = Policy::default();
    let cluster = cluster.map_err(|fault| unread("clusterrolebindings", "", &fault));
    for listed in [cluster, namespaced] {
        match listed {
            Ok(bindings) => policy.bindings.extend(bindings),
            Err(unread) => policy.unread.push(unread),
        }
    }
    policy
}

/// Returns the objects of a kind in some namespaces that `keep` accepts.
async fn list_in<T: ListableResource + DeserializeOwned, O>(
    client: &ApiClient,
    namespaces: Option<Namespaces<'_>>,
    resource: &str,
    object: impl Fn(T) -> O,
    keep: impl Fn(&O) -> bool,
    deadline: Instant,
) -> Result<Vec<O>, Unread> {
    let Some(namespaces) = namespaces else {
        return Ok(Vec::new());
    };
    let path = namespaces.path(resource);
    let listed = list(client, &path, object, keep, deadline).await;
    listed.map_err(|fault| unread(resource, &namespaces.flag(), &fault))
}

impl Namespaces<'_> {
    /// Returns the path of a resource in these namespaces, below that of the API.
    fn path(self, resource: &str) -> String {
        match self {
            Self::All => resource.to_owned(),
            Self::One(name) => format!("namespaces/{}/{resource}", encoded(name)),
        }
    }

    /// Returns kubectl's flag.
    fn flag(self) -> String {
        match self {
            Self::All => " --all-namespaces".to_owned(),
            Self::One(name) => format!(" -n {name}"),
        }
    }
}

fn of_cluster_role(role: v1::ClusterRole) -> (Role, Rules) {
    let key = Role {
        namespace: None,
        name: role.metadata.name.unwrap_or_default(),
    };
    let rules = role.rules.into_iter().flatten().map(rule);
    (key, Rules::Known(rules.collect()))
}

fn of_role(role: v1::Role) -> (Role, Rules) {
    let key = Role {
        namespace: role.metadata.namespace,
        name: role.metadata.name.unwrap_or_default(),
    };
    let rules = role.rules.into_iter().flatten().map(rule);
    (key, Rules::Known(rules.collect()))
}
