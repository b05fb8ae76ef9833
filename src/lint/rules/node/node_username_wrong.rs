//! A node has one name, and may act under no other.

use crate::facts::groups::OF_NODES;
use crate::facts::node_kinds::NodeKind;
use crate::lint::context::{Context, Written};
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N05",
    name: "node-username-wrong",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force().filter(|written| is_misnamed(written)) {
        let username = &written.mapping.username;
        let message = format!(
            "a node called {username} is not called by its own name, and the API server refuses what it does"
        );
        let help = format!(
            "write {}, or for Fargate and hybrid nodes {}",
            NodeKind::Linux.username(),
            NodeKind::Fargate.username()
        );
        found.entry(written, written.username_span(), message, help);
    }
}

/// Whether this is an entry of nodes by its groups, whose username is not theirs.
pub(in crate::lint) fn is_misnamed(written: &Written<'_>) -> bool {
    let username = written.mapping.username.as_str();
    let groups = written.mapping.groups();
    let has = |name: &str| groups.iter().any(|group| group == name);
    let is_known = |name: &str| {
        NodeKind::ALL
            .iter()
            .any(|kind| kind.username() == name || kind.groups().contains(&name))
    };
    // Who has other groups besides is no node: that is G07's.
    let is_node = username.starts_with("system:node:")
        || (OF_NODES.into_iter().all(has) && groups.iter().all(|group| is_known(group)));
    has("system:nodes")
        && is_node
        && !username.is_empty()
        && !is_known(username)
        && !explained::has_odd_username(written)
}
