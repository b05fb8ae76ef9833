//! A user as the API server's authorizers see them.

use std::collections::BTreeSet;

use super::Subject;
use super::objects::SERVICE_ACCOUNT_PREFIX;
use crate::authenticator::{Placeholder, User, can_become};
use crate::facts::groups::{AUTHENTICATED, MASTERS};

const UNAUTHENTICATED: &str = "system:unauthenticated";
const ANONYMOUS: &str = "system:anonymous";

/// The group and username prefix that identify a kubelet to the Node authorizer.
/// Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/auth/nodeidentifier/default.go>
const NODES: &str = "system:nodes";
const NODE_PREFIX: &str = "system:node:";

/// A user as the API server's authorizers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    username: String,
    groups: BTreeSet<String>,
    open: Vec<String>,
}

impl UserInfo {
    /// Returns the user that the authenticator returned, after the API server added [`system:authenticated`][adder]. A name that
    /// still contains one of the `missing` placeholders is incomplete, so no binding is known to match it.
    ///
    /// [adder]: https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apiserver/pkg/authentication/group/authenticated_group_adder.go
    pub fn new(user: &User, missing: &[Placeholder]) -> Self {
        let is_incomplete = |name: &String| missing.iter().any(|left| name.contains(left.text()));
        let names = std::iter::once(&user.username).chain(&user.groups);
        let mut open = Vec::new();
        for name in names.filter(|name| is_incomplete(name)) {
            if !open.contains(name) {
                open.push(name.clone());
            }
        }
        let mut groups: BTreeSet<String> = user.groups.iter().cloned().collect();
        if user.username != ANONYMOUS && !groups.contains(UNAUTHENTICATED) {
            groups.insert(AUTHENTICATED.to_owned());
        }
        Self {
            username: user.username.clone(),
            groups,
            open,
        }
    }

    /// Returns the incomplete names of the user and its groups.
    pub fn open(&self) -> &[String] {
        &self.open
    }

    /// Returns whether a binding with this subject applies to the user.
    pub fn is(&self, subject: &Subject) -> bool {
        let (name, is) = match subject {
            Subject::User(name) => (name, self.username == *name),
            Subject::Group(name) => (name, self.groups.contains(name)),
            // A service account is recognized by its username; the authenticator adds none of the groups of service accounts.
            Subject::ServiceAccount { namespace, name } => (
                name,
                self.username
                    .strip_prefix(SERVICE_ACCOUNT_PREFIX)
                    .and_then(|rest| rest.strip_prefix(namespace.as_str()))
                    .and_then(|rest| rest.strip_prefix(':'))
                    == Some(name),
            ),
        };
        is && !self.open.contains(name)
    }

    /// Returns the subjects that apply to the user, as [`Self::is`] reports them.
    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject> {
        let is_complete = |name: &&String| !self.open.contains(name);
        let username = Some(&self.username).filter(is_complete);
        let account = username.and_then(|name| {
            let (namespace, name) = name.strip_prefix(SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
            Some(Subject::ServiceAccount {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        });
        let groups = self.groups.iter().filter(is_complete).cloned();
        let user = username.cloned().map(Subject::User);
        user.into_iter()
            .chain(account)
            .chain(groups.map(Subject::Group))
    }

    /// Returns whether a binding with this subject applies to some, but not all, sessions of a principal of `account`,
    /// because a session completes the user's name or a group's.
    pub(crate) fn may_become(&self, subject: &Subject, account: &str) -> bool {
        let can =
            |open: &String, name: &str| self.open.contains(open) && can_become(open, name, account);
        match subject {
            Subject::Group(name) => self.groups.iter().any(|group| can(group, name)),
            Subject::User(_) | Subject::ServiceAccount { .. } => {
                can(&self.username, &subject.username())
            }
        }
    }

    /// Returns the best subject for a new binding: `group` or `user`, and the name. Groups that are built into Kubernetes are not
    /// used. `None` if no name is suitable.
    pub fn to_bind(&self) -> Option<(&'static str, &str)> {
        let is_own = |name: &&String| {
            !name.is_empty() && !name.starts_with("system:") && !self.open.contains(name)
        };
        let group = self.groups.iter().find(is_own);
        let user = Some(&self.username).filter(is_own);
        group
            .map(|group| ("group", group.as_str()))
            .or_else(|| user.map(|user| ("user", user.as_str())))
    }

    /// Returns whether the user can do everything, independently of RBAC.
    pub fn may_do_everything(&self) -> bool {
        self.groups.contains(MASTERS)
    }

    /// Returns whether the Node authorizer allows the user what a kubelet needs, independently of RBAC.
    pub fn is_kubelet(&self) -> bool {
        self.username.starts_with(NODE_PREFIX) && self.groups.contains(NODES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(username: &str, groups: &[&str]) -> UserInfo {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        let user = User {
            username: username.to_owned(),
            groups,
        };
        UserInfo::new(&user, &[Placeholder::SessionName])
    }

    fn group(name: &str) -> Subject {
        Subject::Group(name.to_owned())
    }

    #[test]
    fn user_is_in_system_authenticated_unless_anonymous() {
        assert!(user("dev", &[]).is(&group("system:authenticated")));
        for user in [
            user("dev", &["system:unauthenticated"]),
            user("system:anonymous", &[]),
        ] {
            assert!(!user.is(&group("system:authenticated")), "{user:?}");
        }
    }

    #[test]
    fn names_are_compared_exactly() {
        let dev = user("dev", &["devs", ""]);
        assert!(dev.is(&Subject::User("dev".into())));
        assert!(dev.is(&group("devs")));
        assert!(!dev.is(&Subject::User("Dev".into())));
        assert!(!dev.is(&Subject::User("devs".into())));
        assert!(!dev.is(&group("dev")));
    }

    #[test]
    fn service_account_is_recognized_by_its_username() {
        let account = |namespace: &str, name: &str| Subject::ServiceAccount {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let user = user("system:serviceaccount:ci:runner", &[]);
        assert!(user.is(&account("ci", "runner")));
        assert!(!user.is(&account("c", "i:runner")));
        assert!(!user.is(&account("ci", "run")));
        assert!(!user.is(&group("system:serviceaccounts")));
    }

    #[test]
    fn incomplete_name_matches_no_subject() {
        let open = user(
            "{{SessionName}}",
            &["team-{{SessionName}}", "devs", "{{Other}}"],
        );
        assert_eq!(open.open(), ["{{SessionName}}", "team-{{SessionName}}"]);
        assert!(!open.is(&Subject::User("{{SessionName}}".into())));
        assert!(!open.is(&group("team-{{SessionName}}")));
        assert!(open.is(&group("devs")));
        // The authenticator has no such placeholder, so this is the literal name of the group.
        assert!(open.is(&group("{{Other}}")));
    }

    #[test]
    fn administrators_and_kubelets_need_no_binding() {
        assert!(user("any", &["system:masters"]).may_do_everything());
        assert!(!user("system:masters", &["masters"]).may_do_everything());
        assert!(user("system:node:{{SessionName}}", &["system:nodes"]).is_kubelet());
        assert!(!user("system:node:a", &["system:bootstrappers"]).is_kubelet());
        assert!(!user("a", &["system:nodes"]).is_kubelet());
    }
}
