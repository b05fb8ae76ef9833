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
            if !is_role(context, group) || near(group).is_some() {
                continue;
            }
            let message = match &context.bound {
                Some(bound) if !bound.group(group).is_empty() => continue,
                Some(_) => format!(
                    "{group} is a ClusterRole, and no binding names a group of that name: it gives nothing"
                ),
                None => format!(
                    "{group} is a ClusterRole, and a group of that name has none of its rights unless a binding says so"
                ),
            };
            let help = format!("write a group that a binding names together with the role {group}");
            found.entry(written, span, message, help);
        }
    }
}

/// Whether this is the name of a ClusterRole, as far as they are known.
pub(super) fn is_role(context: &Context<'_>, group: &str) -> bool {
    let bound = context.bound.as_ref();
    ROLES.contains(&group) || bound.is_some_and(|bound| bound.is_cluster_role(group))
}
