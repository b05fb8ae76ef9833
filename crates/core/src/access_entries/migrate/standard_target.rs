//! The access entry for users and programs.

use std::collections::HashSet;

use super::input::Masters;
use super::verdict::Unchecked;
use crate::access_entries::rules::{Violation, validate};
use crate::arn::Parts;
use crate::authenticator::{Placeholder, User, template};
use crate::document::Mapping;
use crate::facts::access_entries::{
    AccessEntry, AccessPolicy, AccessScope, AccessTerms, CLUSTER_ADMIN,
};
use crate::facts::groups::{AUTHENTICATED, MASTERS};

/// The prefixes that EKS reserves in usernames. Whether it accepts them in groups is not documented.
const UNCERTAIN_GROUPS: [&str; 4] = ["eks:", "aws:", "amazon:", "iam:"];

/// An access entry for a mapping, and how the access through it differs.
pub(super) struct Target {
    pub(super) entry: AccessEntry,
    /// The differences that keep the permissions.
    pub(super) other_way: Vec<String>,
    /// The differences that change the access.
    pub(super) changes: Vec<String>,
    pub(super) unchecked: Vec<Unchecked>,
}

/// The parts of a mapping that an access entry must reproduce.
pub(super) struct Access {
    /// Without `system:masters`, `system:authenticated`, and empty and repeated groups.
    pub(super) user: User,
    /// Whether `system:masters` is one of the groups.
    pub(super) is_admin: bool,
}

impl Access {
    /// Reads the mapping of a principal. Placeholders with one value for all sessions of `arn` are replaced.
    pub(super) fn of(mapping: &Mapping, arn: &str) -> Self {
        let groups = mapping
            .groups()
            .iter()
            .map(|group| with_constants(group, arn));
        let mut known = HashSet::new();
        let mut all: Vec<String> = groups.filter(|group| known.insert(group.clone())).collect();
        let is_admin = all.iter().any(|group| group == MASTERS);
        // The API server adds `system:authenticated` itself, and RBAC has no subjects without a name.
        all.retain(|group| group != MASTERS && group != AUTHENTICATED && !group.is_empty());
        Self {
            user: User {
                username: with_constants(&mapping.username, arn),
                groups: all,
            },
            is_admin,
        }
    }
}

/// Replaces the placeholders with one value for all sessions, in the authenticator's order. Only roles have sessions.
fn with_constants(template: &str, arn: &str) -> String {
    let Some(parts) = Parts::of(arn) else {
        return template.to_owned();
    };
    let text = template.replace(Placeholder::AccountId.text(), parts.account);
    if parts.is("iam", "role") {
        return text;
    }
    let text = text.replace(Placeholder::SessionName.text(), "");
    text.replace(Placeholder::SessionNameRaw.text(), "")
}

/// Returns the access entry for a mapping of users or programs.
///
/// # Errors
/// If EKS refuses every entry with this username and these groups.
pub(super) fn target(
    mapping: &Mapping,
    principal_arn: &str,
    masters: &Masters,
    cluster_arn: Option<&str>,
) -> Result<Target, Violation> {
    let Access { user, is_admin } = Access::of(mapping, principal_arn);
    let (mut other_way, mut changes) = (Vec::new(), Vec::new());
    let (mut groups, refused): (Vec<_>, Vec<_>) = user
        .groups
        .into_iter()
        .partition(|group| !group.starts_with("system:"));
    let mut policies = Vec::new();
    if is_admin {
        other_way = admin_differences(masters);
        match masters {
            Masters::Group(group) if groups.contains(group) => {}
            Masters::Group(group) => groups.push(group.clone()),
            Masters::Policy => policies.push(cluster_admin(principal_arn)),
        }
    }
    let username = (!user.username.is_empty()).then_some(user.username);
    let entry = AccessEntry {
        principal_arn: principal_arn.to_owned(),
        terms: Some(AccessTerms {
            username,
            groups,
            policies: Some(policies),
            ..AccessTerms::default()
        }),
    };
    if let Some(violation) = validate(&entry, cluster_arn).into_iter().next() {
        return Err(violation);
    }
    let terms = entry.terms.as_ref();
    if let Some(terms) = terms.filter(|terms| terms.username.is_none()) {
        let username = template(&entry, terms).username;
        changes.push(format!(
            "the username is empty in aws-auth; EKS sets {username}"
        ));
    }
    if !refused.is_empty() {
        changes.push(format!(
            "EKS refuses groups that start with system:, so the access entry lacks {}",
            refused.join(", ")
        ));
    }
    let groups = terms.map(|terms| terms.groups.as_slice());
    let uncertain = groups.unwrap_or_default().iter().filter(|group| {
        let mut prefixes = UNCERTAIN_GROUPS.iter();
        prefixes.any(|prefix| group.starts_with(prefix))
    });
    let unchecked = uncertain.map(|group| Unchecked::Group(group.clone()));
    Ok(Target {
        unchecked: unchecked.collect(),
        entry,
        other_way,
        changes,
    })
}

/// Returns the policy that allows everything, in the partition of a principal.
pub(super) fn cluster_admin(principal_arn: &str) -> AccessPolicy {
    let partition = Parts::of(principal_arn).map_or("aws", |parts| parts.partition);
    AccessPolicy {
        arn: format!("arn:{partition}:eks::aws:cluster-access-policy/{CLUSTER_ADMIN}"),
        scope: AccessScope::Cluster,
    }
}

/// Returns how the replacement differs from `system:masters`.
///
/// Sources: <https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege>,
/// <https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#suggested-configuration-objects>,
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>.
pub(super) fn admin_differences(masters: &Masters) -> Vec<String> {
    let by = match masters {
        Masters::Group(group) => format!(
            "RBAC gives the permissions of system:masters: they need the binding of the group {group} to cluster-admin, and kubectl auth can-i --list shows them"
        ),
        Masters::Policy => format!(
            "{CLUSTER_ADMIN} gives the permissions of system:masters: kubectl auth can-i --list does not show them, and --as loses them"
        ),
    };
    let same = [
        "requests no longer have the priority level exempt of the API server",
        "admission policies and webhooks that exempt system:masters apply",
    ];
    std::iter::once(by).chain(same.map(str::to_owned)).collect()
}
