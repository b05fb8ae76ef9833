//! Groups that no binding names, and what is lost if a group is replaced.

use std::collections::HashSet;

use super::{Binding, Policy, RoleKind, Subject};
use crate::authenticator::Placeholder;
use crate::facts::groups::{MASTERS, OF_PROXIES};
use crate::near_name::misspelled;
use crate::shell_quote::quoted;

/// The length up to which names are compared.
const MAX_COMPARED: usize = 100;

/// The shortest beginning of a name that counts as its abbreviation.
const MIN_ABBREVIATION: usize = 3;

/// Returns whether a group may have permissions without a binding that users create, or only the authenticator knows its name.
pub fn is_built_in_group(group: &str) -> bool {
    group.is_empty()
        || group.starts_with("system:")
        || OF_PROXIES.contains(&group)
        || Placeholder::ALL
            .iter()
            .any(|placeholder| group.contains(placeholder.text()))
}

impl Binding {
    /// Returns whether a subject is this group.
    pub fn names_group(&self, group: &str) -> bool {
        let mut subjects = self.subjects.iter();
        subjects.any(|subject| matches!(subject, Subject::Group(name) if name == group))
    }

    /// Returns the binding's name for messages: `ClusterRoleBinding NAME` or `RoleBinding NAMESPACE/NAME`.
    pub fn title(&self) -> String {
        let (kind, name) = (self.kind(), &self.name);
        match &self.namespace {
            None => format!("{kind} {name}"),
            Some(namespace) => format!("{kind} {namespace}/{name}"),
        }
    }

    /// Returns the arguments of kubectl that bind a group to the same role, in the same namespace.
    pub fn command_for(&self, group: &str) -> String {
        let name: String = format!("{}-{group}", self.name)
            .chars()
            // The characters that a name must not contain:
            // <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names>
            .map(|char| if matches!(char, '/' | '%') { '-' } else { char })
            .collect();
        let role = match self.role.kind {
            RoleKind::ClusterRole => "clusterrole",
            RoleKind::Role => "role",
        };
        let what = match &self.namespace {
            None => format!("clusterrolebinding {}", quoted(&name)),
            Some(namespace) => format!("rolebinding {} -n {}", quoted(&name), quoted(namespace)),
        };
        let role = quoted(&format!("--{role}={}", self.role.name));
        let group = quoted(&format!("--group={group}"));
        format!("create {what} {role} {group}")
    }
}

impl Policy {
    /// Returns the bindings of a group whose role no binding gives to the other group as widely.
    pub fn lost_bindings<'a>(&'a self, from: &'a str, to: &'a str) -> Vec<&'a Binding> {
        if to == MASTERS {
            return Vec::new();
        }
        let of = |group: &'a str| {
            let all = self.bindings.iter();
            all.filter(move |binding| binding.names_group(group))
        };
        let kept: Vec<_> = of(to).collect();
        let is_kept = |lost: &Binding| {
            kept.iter().any(|binding| {
                binding.role() == lost.role()
                    && (binding.namespace.is_none() || binding.namespace == lost.namespace)
            })
        };
        of(from).filter(|binding| !is_kept(binding)).collect()
    }
}

/// Returns the groups that bindings name.
pub fn bound_groups(bindings: &[Binding]) -> HashSet<&str> {
    let subjects = bindings.iter().flat_map(|binding| &binding.subjects);
    let groups = subjects.filter_map(|subject| match subject {
        Subject::Group(name) => Some(name.as_str()),
        _ => None,
    });
    groups.collect()
}

/// Returns what to do about a group that none of these bindings names. Never advises to bind it in the whole cluster, unless a
/// group of a similar name is bound so.
pub fn unbound_group_help<'a>(
    group: &str,
    bindings: impl IntoIterator<Item = &'a Binding>,
    kubectl: &str,
) -> String {
    let similar = bindings.into_iter().find_map(|binding| {
        let mut subjects = binding.subjects.iter();
        subjects.find_map(|subject| match subject {
            Subject::Group(name) if is_similar(group, name) => Some((binding, name)),
            _ => None,
        })
    });
    match similar {
        Some((binding, name)) => format!(
            "{} names group {name}: use that name, or bind {group}, too: {kubectl} {}",
            binding.title(),
            binding.command_for(group)
        ),
        None => format!(
            "bind it where its members work, as in {kubectl} create rolebinding {} -n NAMESPACE --clusterrole=view {}, or remove it",
            quoted(&format!("{}-view", group.replace(['/', '%'], "-"))),
            quoted(&format!("--group={group}")),
        ),
    }
}

/// Returns whether one name is probably the other one with a typing error, or abbreviated, such as `devs` for `developers`.
fn is_similar(group: &str, name: &str) -> bool {
    if group.len().max(name.len()) > MAX_COMPARED || is_built_in_group(name) {
        return false;
    }
    let (short, long) = match group.len() < name.len() {
        true => (group, name),
        false => (name, group),
    };
    let stem = short.strip_suffix('s').unwrap_or(short);
    let is_abbreviation = long.strip_prefix(stem).is_some_and(|rest| {
        stem.len() >= MIN_ABBREVIATION && rest.chars().all(char::is_alphabetic)
    });
    is_abbreviation || misspelled(group, [name]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbac::RoleRef;

    fn binding(namespace: Option<&str>, kind: RoleKind, role: &str, group: &str) -> Binding {
        Binding {
            namespace: namespace.map(str::to_owned),
            name: group.to_owned(),
            role: RoleRef {
                kind,
                name: role.to_owned(),
            },
            subjects: vec![Subject::Group(group.to_owned())],
        }
    }

    #[test]
    fn similar_group_is_suggested_with_its_own_scope() {
        let of_developers = binding(
            Some("payments"),
            RoleKind::Role,
            "payments-developer",
            "developers",
        );
        for group in ["devs", "develoeprs", "developer"] {
            assert_eq!(
                unbound_group_help(group, [&of_developers], "kubectl"),
                format!(
                    "RoleBinding payments/developers names group developers: use that name, or bind {group}, too: \
                     kubectl create rolebinding developers-{group} -n payments --role=payments-developer --group={group}"
                )
            );
        }
        for group in ["ops", "developers-admin", "de"] {
            assert_eq!(
                unbound_group_help(group, [&of_developers], "kubectl"),
                format!(
                    "bind it where its members work, as in kubectl create rolebinding {group}-view -n NAMESPACE \
                     --clusterrole=view --group={group}, or remove it"
                )
            );
        }
    }

    #[test]
    fn right_is_lost_unless_it_is_bound_as_widely() {
        let cluster = RoleKind::ClusterRole;
        let lost = |bindings: Vec<Binding>, to| {
            let policy = Policy {
                bindings,
                ..Policy::default()
            };
            policy.lost_bindings("old", to).len()
        };
        let old = || binding(Some("a"), cluster, "edit", "old");
        assert_eq!(lost(vec![old()], "new"), 1);
        assert_eq!(lost(vec![old()], MASTERS), 0);
        for (namespace, role, expected) in [
            (Some("a"), "edit", 0),
            (None, "edit", 0),
            (Some("b"), "edit", 1),
            (Some("a"), "view", 1),
        ] {
            let new = binding(namespace, cluster, role, "new");
            assert_eq!(
                lost(vec![old(), new], "new"),
                expected,
                "{namespace:?} {role}"
            );
        }
    }
}
