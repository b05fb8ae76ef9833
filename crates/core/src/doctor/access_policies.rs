//! What the access policies of EKS allow, as far as it is certain.

use super::denied_request::DeniedRequest;
use crate::facts::access_entries::{AccessPolicy, AccessScope};
use crate::rbac::Action;
use crate::wildcard_pattern::Pattern;

/// Returns whether a scope contains the request.
pub(super) fn reaches(scope: &AccessScope, denied: &DeniedRequest<'_>) -> bool {
    match (scope, denied.namespace()) {
        (AccessScope::Cluster, _) => true,
        (AccessScope::Namespaces(names), Some(namespace)) => {
            let mut patterns = names.iter().map(Pattern::new);
            !denied.is_without_namespace() && patterns.any(|pattern| pattern.matches(namespace))
        }
        (AccessScope::Namespaces(_), None) => false,
    }
}

/// Returns whether it is certain that none of these policies allows the request.
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
pub(super) fn allow_none(policies: &[AccessPolicy], denied: &DeniedRequest<'_>) -> bool {
    policies
        .iter()
        .all(|policy| lacks(policy.name(), &denied.action) || !reaches(&policy.scope, denied))
}

fn lacks(policy: &str, action: &Action) -> bool {
    let Action::Resource {
        verb,
        group,
        resource,
        ..
    } = action
    else {
        return false;
    };
    let reads = ["get", "list", "watch"].contains(&verb.as_str());
    let is_rbac = group == "rbac.authorization.k8s.io";
    let is_secret = group.is_empty() && resource == "secrets";
    match policy {
        "AmazonEKSViewPolicy" => !reads || is_rbac || is_secret,
        "AmazonEKSAdminViewPolicy" => !reads,
        "AmazonEKSEditPolicy" => is_rbac,
        _ => false,
    }
}
