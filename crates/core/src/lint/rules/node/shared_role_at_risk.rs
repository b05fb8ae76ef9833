//! When the last managed node group with a role is deleted, EKS removes the role's entry, even if Karpenter still needs it.

use crate::facts::node_inventory::NodeSource;
use crate::lint::context::Context;
use crate::lint::facts::{Needs, NodeSources};
use crate::lint::finding::Findings;
use crate::lint::node_access::{NodeAccess, node_access, node_roles};
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N03",
    name: "shared-role-at-risk",
    severity: Severity::Warning,
    needs: Needs::Nodes(NodeSources::Instances),
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some((_, roles)) = node_roles(context) else {
        return;
    };
    for role in roles.all() {
        let has_group = role
            .uses
            .iter()
            .any(|role| matches!(role.by, NodeSource::Group(_)));
        let has_class = role
            .uses
            .iter()
            .any(|role| matches!(role.by, NodeSource::Class(_)));
        let NodeAccess::AwsAuth(entry) = node_access(context, role) else {
            continue;
        };
        if has_group && has_class {
            let message = format!(
                "this is {role}: if the node group is deleted, EKS removes this entry, and Karpenter's nodes become NotReady"
            );
            let help = "give Karpenter's nodes a role of their own";
            findings.entry(entry, Part::Principal, message, help);
        }
    }
}
