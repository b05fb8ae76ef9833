//! The level of access that each RBAC role gives.

use std::collections::BTreeMap;

use super::Level;
use crate::facts::access_entries::AccessScope;
use crate::rbac::{AllowedBy, Binding, Policy, Role};

/// The level of each role in a set of RBAC objects. A user who can create Roles and RoleBindings in a namespace can bind a role with
/// thousands of rules thousands of times, so its rules are read only once.
#[derive(Debug)]
pub struct RoleLevels<'a> {
    pub(super) objects: &'a Policy,
    /// The levels in the whole cluster and in a namespace.
    levels: BTreeMap<&'a Role, [Level; 2]>,
}

impl<'a> RoleLevels<'a> {
    /// Reads the rules of each role once.
    pub fn of(objects: &'a Policy) -> Self {
        let levels = objects.roles.iter().map(|(role, rules)| {
            let levels = [false, true].map(|in_namespace| Level::of_rules(rules, in_namespace));
            (role, levels)
        });
        Self {
            objects,
            levels: levels.collect(),
        }
    }

    /// Returns the level that a binding to this role gives; [`Level::Unknown`] if the role was not read.
    pub(super) fn level(&self, binding: &Binding, role: &Role) -> Level {
        let levels = self.levels.get(role);
        levels.map_or(Level::Unknown, |levels| {
            levels[usize::from(binding.namespace.is_some())]
        })
    }

    /// Returns the level of access that this binding or policy gives.
    pub fn level_of(&self, by: AllowedBy<'_>) -> Level {
        match by {
            AllowedBy::Masters => Level::Admin,
            AllowedBy::NodeAuthorizer => Level::Node,
            AllowedBy::UnreadAccessEntry => Level::Unknown,
            AllowedBy::AccessPolicy(of) => {
                Level::of_policy(&of.arn, of.scope != AccessScope::Cluster)
            }
            AllowedBy::Binding { binding, .. } => self.level(binding, &binding.role()),
        }
    }
}
