//! A group does not get the rights of a ClusterRole by having the same name.

use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

/// ClusterRoles that every cluster has:
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings>
const DEFAULT_ROLES: [&str; 7] = [
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
    supersedes: &["G02"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        for (part, group) in entry.groups() {
            if !is_cluster_role(context, group) {
                continue;
            }
            let message = match &context.bindings {
                Some(bindings) if !bindings.of_group(group).is_empty() => continue,
                Some(_) => format!(
                    "{group} is a ClusterRole, and no binding names a group with this name: it grants nothing"
                ),
                None => format!(
                    "{group} is a ClusterRole; a group with this name has its rights only through a binding"
                ),
            };
            let help = format!("write a group that a binding connects to ClusterRole {group}");
            findings.entry(entry, part, message, help);
        }
    }
}

fn is_cluster_role(context: &Context<'_>, group: &str) -> bool {
    let bindings = context.bindings.as_ref();
    DEFAULT_ROLES.contains(&group)
        || bindings.is_some_and(|bindings| bindings.is_cluster_role(group))
}
