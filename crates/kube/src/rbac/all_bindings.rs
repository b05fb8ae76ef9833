//! Reads the bindings of all users and groups.

use std::time::Duration;

use k8s_openapi::api::rbac::v1;
use tokio::time::Instant;

use super::super::NAMESPACE;
use super::super::api_client::ApiClient;
use super::{list, of_cluster, of_namespace, rule, unread};
use awsauth_core::rbac::{Binding, Policy, Role, Rules, Subject};

/// Which Roles to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleScope {
    /// Those of kube-system.
    KubeSystem,
    /// Those of every namespace.
    All,
}

/// Reads every binding of a user or a group, every ClusterRole, and these Roles. What cannot be read is
/// recorded in the result. Transient faults are retried for at most `time_limit`.
pub async fn full_policy(client: &ApiClient, roles: RoleScope, time_limit: Duration) -> Policy {
    let deadline = Instant::now() + time_limit;
    // There may be thousands of service accounts.
    let keep = |binding: &Binding| {
        let mut subjects = binding.subjects.iter();
        subjects.any(|subject| !matches!(subject, Subject::ServiceAccount { .. }))
    };
    let (path, of) = match roles {
        RoleScope::KubeSystem => (format!("namespaces/{NAMESPACE}/roles"), " -n kube-system"),
        RoleScope::All => ("roles".to_owned(), " --all-namespaces"),
    };
    let (cluster, namespaced, cluster_roles, roles) = tokio::join!(
        list(client, "clusterrolebindings", of_cluster, keep, deadline),
        list(client, "rolebindings", of_namespace, keep, deadline),
        list(client, "clusterroles", of_cluster_role, |_| true, deadline),
        list(client, &path, of_role, |_| true, deadline),
    );
    let mut policy = Policy::default();
    for (resource, of, listed) in [
        ("clusterrolebindings", "", cluster),
        ("rolebindings", " --all-namespaces", namespaced),
    ] {
        match listed {
            Ok(bindings) => policy.bindings.extend(bindings),
            Err(fault) => policy.unread.push(unread(resource, of, &fault)),
        }
    }
    for (resource, of, listed) in [("clusterroles", "", cluster_roles), ("roles", of, roles)] {
        match listed {
            Ok(roles) => policy.roles.extend(roles),
            Err(fault) => policy.unread.push(unread(resource, of, &fault)),
        }
    }
    policy
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
