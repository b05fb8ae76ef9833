//! A node has exactly one name, and the API server rejects what it does under another one.

use crate::facts::groups::OF_NODES;
use crate::facts::node_kinds::NodeKind;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::{NODE_PREFIX, Part, ResolvedEntry};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N05",
    name: "node-username-wrong",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["G07", "U06"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        let username = entry.username();
        if !is_node(entry) || username.is_empty() || is_of_nodes(username) {
            continue;
        }
        let message = format!(
            "all nodes get the username {username} instead of their own names: the API server rejects their requests"
        );
        let help = format!(
            "write {}, or for Fargate and hybrid nodes {}",
            NodeKind::Linux.username(),
            NodeKind::Fargate.username()
        );
        findings.entry(entry, Part::Username, message, help);
    }
}

/// Returns whether this is an entry for nodes: it has their username, or only their groups and a name that suggests nodes.
/// G07 reports any other entry with these groups, such as the one of a pipeline's role.
fn is_node(entry: &ResolvedEntry<'_>) -> bool {
    let groups = entry.mapping.groups();
    let has_only_node_groups = OF_NODES.into_iter().all(|group| entry.has_group(group))
        && groups.iter().all(|group| is_of_nodes(group));
    let is_node_name = entry.username().starts_with(NODE_PREFIX);
    let is_likely = has_only_node_groups && entry.is_named_like_nodes();
    entry.has_group("system:nodes") && (is_node_name || is_likely)
}

/// Returns whether this is a username or group of some kind of node.
fn is_of_nodes(name: &str) -> bool {
    NodeKind::ALL
        .iter()
        .any(|kind| kind.username() == name || kind.groups().contains(&name))
}
