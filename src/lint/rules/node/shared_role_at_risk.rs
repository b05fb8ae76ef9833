//! With its last managed node group, EKS removes a role's entry, whoever else needs it.

use crate::facts::fleet::Starter;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::nodes::{Door, door, roles};
use crate::lint::{Needs, Nodes, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N03",
    name: "shared-role-at-risk",
    severity: Severity::Warning,
    needs: Needs::Nodes(Nodes::Instances),
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some((_, roles)) = roles(context) else {
        return;
    };
    for role in roles.all() {
        let is_groups = role
            .uses
            .iter()
            .any(|one| matches!(one.by, Starter::Group(_)));
        let is_karpenters = role
            .uses
            .iter()
            .any(|one| matches!(one.by, Starter::Class(_)));
        let Door::Entry(written) = door(context, role) else {
            continue;
        };
        if is_groups && is_karpenters {
            let message = format!(
                "this is {role}: whoever deletes the node group makes EKS remove this entry, and Karpenter's nodes go NotReady"
            );
            let help = "give Karpenter's nodes a role of their own";
            found.entry(written, written.principal_span(), message, help);
        }
    }
}
