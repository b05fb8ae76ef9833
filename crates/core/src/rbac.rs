//! What RBAC allows a Kubernetes user: the bindings that reach them, and what the rules of the bound roles say.
//!
//! As kube-apiserver decides it.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/rbac/validation/rule.go>

mod access;
mod binding;
mod question;
mod summary;
mod user_info;

pub use access::{Access, Grant, is_for_everybody};
pub use binding::{Binding, Role, RoleKind, RoleRef, Rule, Rules, Subject};
pub use question::{Asked, Namespace, Question, QuestionError};
pub use summary::{Allowance, Object, Summary};
pub use user_info::UserInfo;

use std::collections::BTreeMap;

/// What was read of a cluster's RBAC for the sake of some users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Bindings; those that reach none of the users may be missing.
    pub bindings: Vec<Binding>,
    /// What the bound roles allow.
    pub roles: BTreeMap<Role, Rules>,
    /// What could not be read, so that the answer may not be the whole one.
    pub unread: Vec<Unread>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// As kubectl names it: `rolebindings`, `clusterroles/view`.
    pub resource: String,
    /// Whether it is one object of the resource, and not the list of all.
    pub is_one: bool,
    /// The verb and the resource for `kubectl auth can-i`, when the caller is not permitted to read it.
    pub permission: Option<String>,
    /// Why, in the API server's words where it answered.
    pub why: String,
}

impl Policy {
    /// Why one of these resources, such as `rolebindings`, is not here whole; `None` when all are.
    pub fn lacks(&self, resources: &[&str]) -> Option<&Unread> {
        let mut unread = self.unread.iter();
        unread.find(|unread| resources.contains(&unread.resource.as_str()))
    }

    /// What it gives to `user`.
    pub fn access<'a>(&'a self, user: &'a UserInfo) -> Access<'a> {
        Access::of(self, user)
    }
}
