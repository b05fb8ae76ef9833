//! What RBAC bindings grant to users and groups.

use std::collections::{BTreeMap, HashMap};

use super::facts::{Facts, Needs};
use crate::authenticator::{Placeholder, can_become};
use crate::facts::groups::MASTERS;
use crate::rbac::{Binding, Policy, Role, Rule, Rules, Subject};

/// The bindings of a cluster, by the users and groups that they name.
pub(super) struct Bindings<'a> {
    policy: &'a Policy,
    users: BTreeMap<&'a str, Vec<&'a Binding>>,
    groups: HashMap<&'a str, Vec<&'a Binding>>,
}

impl<'a> Bindings<'a> {
    /// Indexes the bindings; `None` unless all of them are known.
    pub(super) fn new(facts: &'a Facts) -> Option<Self> {
        let policy = facts.rbac.as_ref()?;
        if Needs::Bindings.lacks(facts).is_some() {
            return None;
        }
        let mut index = Self {
            policy,
            users: BTreeMap::new(),
            groups: HashMap::new(),
        };
        for binding in &policy.bindings {
            for subject in &binding.subjects {
                let bindings = match subject {
                    Subject::User(name) => index.users.entry(name.as_str()).or_default(),
                    Subject::Group(name) => index.groups.entry(name.as_str()).or_default(),
                    Subject::ServiceAccount { .. } => continue,
                };
                bindings.push(binding);
            }
        }
        Some(index)
    }

    /// Returns all bindings.
    pub(super) fn all(&self) -> &'a [Binding] {
        &self.policy.bindings
    }

    /// Returns the bindings that name a group.
    pub(super) fn of_group(&self, name: &str) -> &[&'a Binding] {
        self.groups.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns the bindings that name a user.
    pub(super) fn of_user(&self, name: &str) -> &[&'a Binding] {
        self.users.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns the users that bindings name, sorted, each with its first binding.
    pub(super) fn users(&self) -> impl Iterator<Item = (&'a str, &'a Binding)> {
        let users = self.users.iter();
        users.filter_map(|(name, bindings)| Some((*name, bindings.iter().copied().min()?)))
    }

    /// Returns a user that bindings name and that a caller of this account can become through an entry with this username.
    pub(super) fn reachable_user(
        &self,
        username: &str,
        account: &str,
    ) -> Option<(&'a str, &'a Binding)> {
        if has_placeholder(username) {
            let mut users = self.users();
            return users.find(|(user, _)| can_become(username, user, account));
        }
        let (name, bindings) = self.users.get_key_value(username)?;
        Some((name, bindings.iter().copied().min()?))
    }

    /// Returns what a binding's role allows, as far as it is known.
    pub(super) fn rules(&self, binding: &Binding) -> &'a [Rule] {
        match self.policy.roles.get(&binding.role()) {
            Some(Rules::Known(rules)) => rules,
            _ => &[],
        }
    }

    /// Returns whether a ClusterRole has this name.
    pub(super) fn is_cluster_role(&self, name: &str) -> bool {
        let role = Role {
            namespace: None,
            name: name.to_owned(),
        };
        self.policy.roles.contains_key(&role)
    }

    /// Returns whether a user with these groups has full access to the cluster.
    pub(super) fn is_admin(&self, username: &str, groups: &[String]) -> bool {
        let group_bindings = groups.iter().flat_map(|group| self.of_group(group));
        let mut bindings = group_bindings.chain(self.of_user(username));
        groups.iter().any(|group| group == MASTERS)
            || bindings.any(|binding| self.grants_everything(binding))
    }

    fn grants_everything(&self, binding: &Binding) -> bool {
        let is_all = |words: &[String]| words.iter().any(|word| word == "*");
        binding.namespace.is_none()
            && self.rules(binding).iter().any(|rule| {
                is_all(&rule.verbs)
                    && is_all(&rule.api_groups)
                    && is_all(&rule.resources)
                    && rule.resource_names.is_empty()
            })
    }
}

/// Returns whether the authenticator replaces a template in the text.
pub(super) fn has_placeholder(text: &str) -> bool {
    Placeholder::ALL
        .iter()
        .any(|placeholder| text.contains(placeholder.text()))
}

/// Returns a binding's name for messages: `ClusterRoleBinding devs`, or `RoleBinding devs in namespace a`.
pub(super) fn describe(binding: &Binding) -> String {
    let (kind, name) = (binding.kind(), &binding.name);
    match &binding.namespace {
        None => format!("{kind} {name}"),
        Some(namespace) => format!("{kind} {name} in namespace {namespace}"),
    }
}
