//! Nodes with full access to the cluster.

use crate::facts::groups::MASTERS;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G06",
    name: "masters-with-nodes",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["G05", "G07"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        let masters = entry.groups().find(|(_, group)| *group == MASTERS);
        let Some((part, _)) = masters.filter(|_| entry.is_of_nodes()) else {
            continue;
        };
        let (with, other) = if entry.has_node_group() {
            ("a node group", "remove the node groups")
        } else {
            ("the username of a node", "write another username")
        };
        let message = format!(
            "system:masters together with {with}: anyone who obtains a node's credentials has full access to the cluster"
        );
        let help = format!("leave system:masters to an entry for another role, or {other}");
        findings
            .entry(entry, Part::Entry, message, help)
            .at(entry.span(part));
    }
}
