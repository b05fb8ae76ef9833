//! A principal that is not a node has groups of nodes.

use crate::facts::groups::OF_NODES;
use crate::facts::node_kinds::NodeKind;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G07",
    name: "node-groups-on-non-node",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        let username = entry.username();
        if username.is_empty() || username.starts_with("system:node:") {
            continue;
        }
        let node_group = entry.groups().find(|(_, group)| OF_NODES.contains(group));
        if let Some((part, group)) = node_group {
            let message = format!(
                "{group} is for nodes, whose usernames begin with system:node: but this one is {username}"
            );
            let help = format!(
                "remove the node groups; if nodes use this role, write the username {}",
                NodeKind::Linux.username()
            );
            findings
                .entry(entry, Part::Username, message, help)
                .at(entry.span(part));
        }
    }
}
