//! What a user can do, and by which bindings.

use super::{Binding, Policy, Role, Rules, Subject, Unread, UserInfo};
use crate::facts::groups::AUTHENTICATED;

/// The ClusterRoles that every cluster binds to all authenticated users. They allow API discovery and a query of the own identity.
/// Source: <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles>
const DEFAULT_ROLES: [&str; 3] = [
    "system:basic-user",
    "system:discovery",
    "system:public-info-viewer",
];

/// What a user can do, and by which bindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    pub user: &'a UserInfo,
    /// The bindings that apply to the user: ClusterRoleBindings first, then by namespace and name.
    pub grants: Vec<Grant<'a>>,
    /// The resources that could not be read, so there may be more grants.
    pub unread: &'a [Unread],
}

/// A binding that applies to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    pub binding: &'a Binding,
    /// The subjects of the binding that match the user.
    pub subjects: Vec<&'a Subject>,
    /// The rules of the bound role.
    pub rules: &'a Rules,
}

impl<'a> Access<'a> {
    pub(super) fn of(policy: &'a Policy, user: &'a UserInfo) -> Self {
        let grant = |binding: &'a Binding| {
            let subjects = binding.subjects.iter();
            let subjects: Vec<_> = subjects.filter(|subject| user.is(subject)).collect();
            (!subjects.is_empty()).then(|| Grant {
                rules: policy.rules(binding),
                binding,
                subjects,
            })
        };
        let mut grants: Vec<_> = policy.bindings.iter().filter_map(grant).collect();
        grants.sort_by_key(|grant| grant.binding);
        Self {
            user,
            grants,
            unread: &policy.unread,
        }
    }

    /// Returns whether a binding applies to the user that does not apply to all authenticated users.
    pub fn exceeds_defaults(&self) -> bool {
        let is_own = |grant: &Grant<'_>| !grant.is_for_all_users();
        self.grants.iter().any(is_own) || self.user.may_do_everything() || self.user.is_kubelet()
    }
}

impl Grant<'_> {
    /// Returns whether the binding applies to all authenticated users.
    pub(crate) fn is_for_all_users(&self) -> bool {
        let is_for_all =
            |subject: &&Subject| matches!(subject, Subject::Group(name) if name == AUTHENTICATED);
        self.subjects.iter().all(is_for_all)
    }

    /// Returns whether it is a binding that every cluster has for all authenticated users.
    pub fn is_default_binding(&self) -> bool {
        self.is_for_all_users() && has_default_role(self.binding)
    }
}

/// Returns whether the binding is for a role that every cluster binds to all authenticated users.
pub(crate) fn has_default_role(binding: &Binding) -> bool {
    let Role { namespace, name } = binding.role();
    binding.namespace.is_none() && namespace.is_none() && DEFAULT_ROLES.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::authenticator::User;
    use crate::rbac::{RoleKind, RoleRef};

    fn binding(namespace: Option<&str>, name: &str, subjects: &[&str]) -> Binding {
        let group = |group: &&str| Subject::Group((*group).to_owned());
        Binding {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            role: RoleRef {
                kind: RoleKind::ClusterRole,
                name: name.to_owned(),
            },
            subjects: subjects.iter().map(group).collect(),
        }
    }

    fn reached<'a>(access: &'a Access<'_>) -> Vec<(&'a str, Vec<&'a str>)> {
        let grant = |grant: &'a Grant<'_>| {
            let subjects = grant.subjects.iter();
            (
                grant.binding.name.as_str(),
                subjects.map(|subject| subject.name()).collect(),
            )
        };
        access.grants.iter().map(grant).collect()
    }

    #[test]
    fn bindings_of_a_user_are_listed_with_their_subjects() {
        let role = |name: &str| Role {
            namespace: None,
            name: name.to_owned(),
        };
        let policy = Policy {
            bindings: vec![
                binding(Some("b"), "edit", &["devs", "others", "ops"]),
                binding(Some("a"), "edit", &["ops"]),
                binding(None, "view", &["others"]),
                binding(None, "system:discovery", &["system:authenticated"]),
            ],
            roles: BTreeMap::from([(role("edit"), Rules::NoSuchRole)]),
            ..Policy::default()
        };
        let user = |groups: &[&str]| {
            let groups = groups.iter().map(|&group| group.to_owned()).collect();
            let user = User {
                username: "u".into(),
                groups,
            };
            UserInfo::new(&user, &[])
        };
        let dev = user(&["ops", "devs"]);
        let access = policy.access(&dev);
        assert_eq!(
            reached(&access),
            [
                ("system:discovery", vec!["system:authenticated"]),
                ("edit", vec!["ops"]),
                ("edit", vec!["devs", "ops"]),
            ]
        );
        assert!(access.exceeds_defaults());
        assert!(access.grants[0].is_default_binding());
        assert_eq!(access.grants[0].rules, &Rules::Unread);
        assert_eq!(access.grants[1].rules, &Rules::NoSuchRole);

        let other = user(&[]);
        let access = policy.access(&other);
        assert_eq!(access.grants.len(), 1);
        assert!(!access.exceeds_defaults());
    }

    #[test]
    fn only_bindings_of_every_cluster_are_defaults() {
        let authenticated = ["system:authenticated"];
        for (binding, expected) in [
            (binding(None, "system:basic-user", &authenticated), true),
            (binding(None, "view", &authenticated), false),
            (
                binding(Some("a"), "system:basic-user", &authenticated),
                false,
            ),
            (binding(None, "system:basic-user", &["u"]), false),
        ] {
            let subjects = binding.subjects.iter().collect();
            let grant = Grant {
                binding: &binding,
                subjects,
                rules: &Rules::Unread,
            };
            assert_eq!(grant.is_default_binding(), expected, "{binding:?}");
        }
    }
}
