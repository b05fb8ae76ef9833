//! What RBAC allows a Kubernetes user: the bindings that apply to the user, and the rules of the bound roles.
//!
//! The decisions are those of kube-apiserver.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/rbac/validation/rule.go>

mod access;
mod action;
mod group_bindings;
mod objects;
mod permission_question;
mod summary;
mod user_info;
mod who_can;

pub(crate) use access::has_default_role;
pub use access::{Access, Grant};
pub use action::{Action, Scope};
pub use group_bindings::{bound_groups, is_built_in_group, unbound_group_help};
pub use objects::{Binding, Role, RoleKind, RoleRef, Rule, Rules, Subject};
pub use permission_question::{Namespace, Question, QuestionError, Target};
pub use summary::{Allowance, Object, Summary};
pub use user_info::UserInfo;
pub use who_can::{Allowed, AllowedBy, Condition, Query, WhoCan, who_can};

use std::collections::BTreeMap;

/// A cluster's RBAC objects, as far as they matter for some users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The bindings. Those that apply to none of the users may be missing.
    pub bindings: Vec<Binding>,
    /// The rules of the bound roles.
    pub roles: BTreeMap<Role, Rules>,
    /// The resources that could not be read, without which answers may be incomplete.
    pub unread: Vec<Unread>,
}

/// A resource that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The name that kubectl uses: `rolebindings`, `clusterroles/view`.
    pub resource: String,
    /// Whether it is a single object, not the list of all objects.
    pub is_one: bool,
    /// The verb and resource for `kubectl auth can-i`, if the caller is not allowed to read it.
    pub permission: Option<String>,
    /// The reason; the API server's message if there is one.
    pub why: String,
}

impl Policy {
    /// Returns the first of these resources, such as `rolebindings`, that is incomplete; `None` if all are complete.
    pub fn lacks(&self, resources: &[&str]) -> Option<&Unread> {
        let mut unread = self.unread.iter();
        unread.find(|unread| resources.contains(&unread.resource.as_str()))
    }

    /// Removes the bindings that apply to none of these users.
    pub fn keep_bindings_of(&mut self, users: &[UserInfo]) {
        self.bindings.retain(|binding| {
            let mut subjects = binding.subjects.iter();
            subjects.any(|subject| users.iter().any(|user| user.is(subject)))
        });
    }

    /// Returns the rules of a binding's role; [`Rules::Unread`] if the role was not read.
    pub(crate) fn rules(&self, binding: &Binding) -> &Rules {
        self.roles.get(&binding.role()).unwrap_or(&Rules::Unread)
    }

    /// Returns what `user` may do.
    pub fn access<'a>(&'a self, user: &'a UserInfo) -> Access<'a> {
        Access::of(self, user)
    }
}
