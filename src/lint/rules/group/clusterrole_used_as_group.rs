//! The name of a role is not the name of a group.

use super::near_miss_of_built_in::near;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

/// Roles that every cluster has:
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings>
const ROLES: [&str; 7] = [
    "cluster-admin",
    "admin",
    "edit",
    "view",
    "system:basic-user",
    "system:discovery",
    "system:node",
];

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G03",
    name: "clusterrole-used-as-group",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        for (group, span) in written.groups() {
            if !ROLES.contains(&group) || near(group).is_some() {
                continue;
            }
            let message = format!(
                "{group} is a ClusterRole, and a group of that name has none of its rights unless a binding says so"
            );
            let help = format!("write a group that a binding names together with the role {group}");
            found.entry(written, span, message, help);
        }
    }
}
