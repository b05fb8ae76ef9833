//! Reads the bindings of all users and groups.

use std::time::Duration;

use k8s_openapi::api::rbac::v1;
use tokio::time::Instant;

use super::super::NAMESPACE;
use super::super::api_client::ApiClient;
use super::{list, of_cluster, of_namespace, rule, unread};
use awsauth_core::rbac::{Binding, Policy, Role, Rules, Subject};

/// Reads every binding of a user or a group, every ClusterRole, and the Roles of kube-system. What cannot be read is
/// recorded in the result. Transient faults are retried for at most `time_limit`.
pub async fn full_policy(client: &ApiClient, time_limit: Duration) -> Policy {
    let deadline = Instant::now() + time_limit;
    // There may be thousands of service accounts.
    let keep = |binding: &Binding| {
        let mut subjects = binding.subjects.iter();
        subjects.any(|subject| !matches!(subject, Subject::ServiceAccount { .. }))
    };
    let roles = format!("namespaces/{NAMESPACE}/roles");
    let (cluster, namespaced, cluster_roles, roles) = tokio::join!(
        list(client, "clusterrolebindings", of_cluster, keep, deadline),
        list(client, "rolebindings", of_namespace, keep, deadline),
        list(client, "clusterroles", of_cluster_role, |_| true, deadline),
        list(client, &roles, of_role, |_| true, deadline),
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
    for (resource, of, listed) in [
        ("clusterroles", "", cluster_roles),
        ("roles", " -n kube-system", roles),
    ] {
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
