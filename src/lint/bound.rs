//! What RBAC's bindings give to names.

use std::collections::{BTreeMap, HashMap};

use super::facts::{Facts, Needs};
use crate::effect::{Placeholder, can_become};
use crate::rbac::{Binding, Policy, Role, Rule, Rules, Subject};

/// The bindings of a cluster, by the users and groups that they name.
pub(super) struct Bound<'a> {
    policy: &'a Policy,
    users: BTreeMap<&'a str, Vec<&'a Binding>>,
    groups: HashMap<&'a str, Vec<&'a Binding>>,
}

impl<'a> Bound<'a> {
    /// `None` when not all of them are known.
    pub(super) fn new(facts: &'a Facts) -> Option<Self> {
        let policy = facts.rbac.as_ref()?;
        if Needs::Bindings.lacks(facts).is_some() {
            return None;
        }
        let mut bound = Self {
            policy,
            users: BTreeMap::new(),
            groups: HashMap::new(),
        };
        for binding in &policy.bindings {
            for subject in &binding.subjects {
                let bindings = match subject {
                    Subject::User(name) => bound.users.entry(name.as_str()).or_default(),
                    Subject::Group(name) => bound.groups.entry(name.as_str()).or_default(),
                    Subject::ServiceAccount { .. } => continue,
                };
                bindings.push(binding);
            }
        }
        Some(bound)
    }

    /// The bindings of a group.
    pub(super) fn group(&self, name: &str) -> &[&'a Binding] {
        self.groups.get(name).map_or(&[], Vec::as_slice)
    }

    /// The bindings of a user.
    pub(super) fn user(&self, name: &str) -> &[&'a Binding] {
        self.users.get(name).map_or(&[], Vec::as_slice)
    }

    /// The users that bindings name, in the order of their names, each with a binding.
    pub(super) fn users(&self) -> impl Iterator<Item = (&'a str, &'a Binding)> {
        let users = self.users.iter();
        users.filter_map(|(name, bindings)| Some((*name, bindings.iter().copied().min()?)))
    }

    /// A user that bindings name, and that a caller of this account can become where an entry has this username.
    pub(super) fn one_of(&self, username: &str, account: &str) -> Option<(&'a str, &'a Binding)> {
        if has_placeholder(username) {
            let mut users = self.users();
            return users.find(|(user, _)| can_become(username, user, account));
        }
        let (name, bindings) = self.users.get_key_value(username)?;
        Some((name, bindings.iter().copied().min()?))
    }

    /// What a binding's role allows, as far as that is known.
    pub(super) fn rules(&self, binding: &Binding) -> &'a [Rule] {
        match self.policy.roles.get(&binding.role()) {
            Some(Rules::Known(rules)) => rules,
            _ => &[],
        }
    }

    /// Whether there is a ClusterRole of this name.
    pub(super) fn is_cluster_role(&self, name: &str) -> bool {
        let role = Role {
            namespace: None,
            name: name.to_owned(),
        };
        self.policy.roles.contains_key(&role)
    }

    /// Whether a binding lets whoever it reaches do everything.
    pub(super) fn gives_everything(&self, binding: &Binding) -> bool {
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

/// Whether the authenticator fills something in.
pub(super) fn has_placeholder(text: &str) -> bool {
    Placeholder::ALL
        .iter()
        .any(|placeholder| text.contains(placeholder.text()))
}

/// A binding as messages say it, such as `ClusterRoleBinding devs` or `RoleBinding devs of namespace a`.
pub(super) fn in_words(binding: &Binding) -> String {
    let (kind, name) = (binding.kind(), &binding.name);
    match &binding.namespace {
        None => format!("{kind} {name}"),
        Some(namespace) => format!("{kind} {name} of namespace {namespace}"),
    }
}
