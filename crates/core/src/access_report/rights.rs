//! The permissions of a user: from RBAC, from its groups alone, and from access policies.

use std::collections::{BTreeMap, BTreeSet};

use super::{Level, Right, RoleLevels};
use crate::facts::access_entries::{AccessPolicy, AccessScope};
use crate::facts::groups::MASTERS;
use crate::rbac::{Binding, Role, Subject, UserInfo};

/// Returns what RBAC allows the user of an account; without RBAC objects, only what needs none.
pub(super) fn of_user(
    user: &UserInfo,
    account: &str,
    roles: Option<&RoleLevels<'_>>,
) -> Vec<Right> {
    let mut rights = Vec::new();
    if user.may_do_everything() {
        rights.push(without_binding(
            Level::Admin,
            format!("group {MASTERS}"),
            "everything, without RBAC",
        ));
    }
    if user.is_kubelet() {
        rights.push(without_binding(
            Level::Node,
            "group system:nodes".to_owned(),
            "what a kubelet needs (Node authorizer)",
        ));
    }
    match roles {
        Some(roles) => {
            rights.extend(summarized(merged(certain(user, roles))));
            rights.extend(summarized(merged(possible(user, account, roles))));
            let unread = roles
                .objects
                .lacks(&["clusterrolebindings", "rolebindings"]);
            if let Some(unread) = unread.filter(|_| !user.may_do_everything()) {
                rights.push(without_binding(
                    Level::Unknown,
                    "user and groups".to_owned(),
                    &format!("all {} were not read", unread.resource),
                ));
            }
        }
        None if rights.is_empty() => rights.push(without_binding(
            Level::Unknown,
            "user and groups".to_owned(),
            "RBAC was not read",
        )),
        None => {}
    }
    rights.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.cmp(b)));
    rights
}

/// Returns the permissions that access policies give; `None` if EKS did not list them.
pub(super) fn of_policies(policies: Option<&[AccessPolicy]>) -> Vec<Right> {
    let Some(policies) = policies else {
        return vec![without_binding(
            Level::Unknown,
            "access policies".to_owned(),
            "EKS did not list the access policies",
        )];
    };
    let right = |policy: &AccessPolicy| {
        let namespaces = match &policy.scope {
            AccessScope::Cluster => None,
            AccessScope::Namespaces(names) => Some(names.clone()),
        };
        Right {
            level: Level::of_policy(&policy.arn, namespaces.is_some()),
            by: format!("policy {}", policy.name()),
            binding: None,
            role: policy.name().to_owned(),
            namespaces,
            for_some_sessions: false,
        }
    };
    policies.iter().map(right).collect()
}

fn without_binding(level: Level, by: String, role: &str) -> Right {
    Right {
        level,
        by,
        binding: None,
        role: role.to_owned(),
        namespaces: None,
        for_some_sessions: false,
    }
}

/// Returns the permissions of the bindings that apply to the user, except those that every authenticated user has.
fn certain(user: &UserInfo, roles: &RoleLevels<'_>) -> Vec<Right> {
    let access = roles.objects.access(user);
    let own = access
        .grants
        .iter()
        .filter(|grant| !grant.is_default_binding());
    own.flat_map(|grant| {
        let subjects = grant.subjects.iter();
        subjects.map(|subject| right(grant.binding, roles, subject, false))
    })
    .collect()
}

/// Returns the permissions of bindings to a name that one of the user's templates can become.
fn possible(user: &UserInfo, account: &str, roles: &RoleLevels<'_>) -> Vec<Right> {
    let bindings = roles.objects.bindings.iter();
    let rights = bindings.flat_map(|binding| {
        let subjects = binding.subjects.iter();
        let subjects = subjects.filter(|subject| user.may_become(subject, account));
        let subjects: BTreeSet<&Subject> = subjects.collect();
        // If there are more, they are summarized.
        let subjects = subjects.into_iter().take(MAX_RIGHTS + 1);
        subjects.map(move |subject| right(binding, roles, subject, true))
    });
    rights.collect()
}

fn right(
    binding: &Binding,
    roles: &RoleLevels<'_>,
    subject: &Subject,
    for_some_sessions: bool,
) -> Right {
    let role = binding.role();
    let level = roles.level(binding, &role);
    let Role { namespace, name } = role;
    let role = match namespace {
        None => format!("ClusterRole {name}"),
        Some(namespace) => format!("Role {namespace}/{name}"),
    };
    Right {
        level,
        by: format!("{} {}", subject.kind().to_lowercase(), subject.name()),
        binding: Some(format!("{} {}", binding.kind(), binding.name)),
        role,
        namespaces: binding.namespace.clone().map(|namespace| vec![namespace]),
        for_some_sessions,
    }
}

/// The number of permissions through one subject at one level, or of some sessions at one level, from which they are summarized.
/// Otherwise, a user who can create Roles and RoleBindings in a namespace could make the report arbitrarily long.
const MAX_RIGHTS: usize = 50;

/// Merges the permissions of a level through one subject into one, if they are too many to list. A template may become many
/// subjects, so the permissions of some sessions are counted together.
fn summarized(rights: Vec<Right>) -> Vec<Right> {
    let mut groups: BTreeMap<_, Vec<Right>> = BTreeMap::new();
    for right in rights {
        let is_namespaced = right.namespaces.is_some();
        let key = (
            right.level,
            (!right.for_some_sessions).then(|| right.by.clone()),
            is_namespaced,
        );
        groups.entry(key).or_default().push(right);
    }
    groups.into_values().flat_map(one_if_too_many).collect()
}

fn one_if_too_many(rights: Vec<Right>) -> Vec<Right> {
    let others = rights.len().saturating_sub(1);
    if others < MAX_RIGHTS {
        return rights;
    }
    let namespaces = rights.iter().filter_map(|right| right.namespaces.as_ref());
    let namespaces: BTreeSet<String> = namespaces.flatten().cloned().collect();
    let Some(first) = rights.into_iter().next() else {
        return Vec::new();
    };
    let binding = first.binding.as_ref();
    let others = match first.for_some_sessions {
        // Those of a template may have one binding in common.
        true => "others".to_owned(),
        false => format!("{others} others"),
    };
    vec![Right {
        by: match first.for_some_sessions {
            true => format!("{} and others", first.by),
            false => first.by,
        },
        binding: binding.map(|binding| format!("{binding} and {others}")),
        role: format!("{} and others", first.role),
        namespaces: first
            .namespaces
            .is_some()
            .then(|| namespaces.into_iter().collect()),
        ..first
    }]
}

/// Merges permissions that differ only in their namespace.
fn merged(rights: Vec<Right>) -> Vec<Right> {
    let mut merged: BTreeMap<Right, Option<Vec<String>>> = BTreeMap::new();
    for mut right in rights {
        let namespaces = right.namespaces.take();
        let is_namespaced = namespaces.is_some();
        // Permissions in some namespaces and the same permissions in the whole cluster are not merged.
        right.namespaces = is_namespaced.then(Vec::new);
        let all = merged.entry(right).or_default();
        if let Some(namespaces) = namespaces {
            all.get_or_insert_default().extend(namespaces);
        }
    }
    let rights = merged.into_iter();
    rights
        .map(|(right, namespaces)| Right {
            namespaces,
            ..right
        })
        .collect()
}
