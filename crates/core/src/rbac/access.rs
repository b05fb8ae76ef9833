use super::{Binding, Policy, Role, Rules, Subject, Unread, UserInfo};
use crate::facts::groups::AUTHENTICATED;

/// The ClusterRoles that every cluster gives to everybody who signed in: who they are, and what API there is.
/// Source: <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles>
const FOR_EVERYBODY: [&str; 3] = [
    "system:basic-user",
    "system:discovery",
    "system:public-info-viewer",
];

/// What a user may do, and by which bindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// Who.
    pub user: &'a UserInfo,
    /// What reaches them: ClusterRoleBindings first, then by namespace and name.
    pub grants: Vec<Grant<'a>>,
    /// What could not be read, so that there may be more.
    pub unread: &'a [Unread],
}

/// A binding that reaches a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// The binding.
    pub binding: &'a Binding,
    /// Its subjects that they are.
    pub subjects: Vec<&'a Subject>,
    /// What its role allows.
    pub rules: &'a Rules,
}

impl<'a> Access<'a> {
    pub(super) fn of(policy: &'a Policy, user: &'a UserInfo) -> Self {
        let grant = |binding: &'a Binding| {
            let subjects = binding.subjects.iter();
            let subjects: Vec<_> = subjects.filter(|subject| user.is(subject)).collect();
            (!subjects.is_empty()).then(|| Grant {
                rules: policy.roles.get(&binding.role()).unwrap_or(&Rules::Unread),
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

    /// Whether something reaches them that does not reach everybody who signed in.
    pub fn is_beyond_everybody(&self) -> bool {
        let is_own = |grant: &Grant<'_>| !grant.is_for_everybody();
        self.grants.iter().any(is_own) || self.user.may_do_everything() || self.user.is_kubelet()
    }
}

impl Grant<'_> {
    /// Whether it reaches them as it reaches everybody who signed in.
    pub fn is_for_everybody(&self) -> bool {
        let is_everybody =
            |subject: &&Subject| matches!(subject, Subject::Group(name) if name == AUTHENTICATED);
        self.subjects.iter().all(is_everybody)
    }

    /// Whether it is one that every cluster has for everybody.
    pub fn is_a_default(&self) -> bool {
        self.is_for_everybody() && is_for_everybody(self.binding)
    }
}

/// Whether this is a binding of a role that every cluster gives to everybody.
pub fn is_for_everybody(binding: &Binding) -> bool {
    let Role { namespace, name } = binding.role();
    binding.namespace.is_none() && namespace.is_none() && FOR_EVERYBODY.contains(&name.as_str())
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
    fn what_reaches_a_user_is_told_with_the_reason() {
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
        assert!(access.is_beyond_everybody());
        assert!(access.grants[0].is_a_default());
        assert_eq!(access.grants[0].rules, &Rules::Unread);
        assert_eq!(access.grants[1].rules, &Rules::NoSuchRole);

        let nobody = user(&[]);
        let access = policy.access(&nobody);
        assert_eq!(access.grants.len(), 1);
        assert!(!access.is_beyond_everybody());
    }

    #[test]
    fn only_what_every_cluster_has_is_a_default() {
        let everybody = ["system:authenticated"];
        for (binding, expected) in [
            (binding(None, "system:basic-user", &everybody), true),
            (binding(None, "view", &everybody), false),
            (binding(Some("a"), "system:basic-user", &everybody), false),
            (binding(None, "system:basic-user", &["u"]), false),
        ] {
            let subjects = binding.subjects.iter().collect();
            let grant = Grant {
                binding: &binding,
                subjects,
                rules: &Rules::Unread,
            };
            assert_eq!(grant.is_a_default(), expected, "{binding:?}");
        }
    }
}
