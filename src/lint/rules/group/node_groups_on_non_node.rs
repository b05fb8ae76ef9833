//! Groups of nodes for who is none.

use super::{is_master_and_node, is_of_nodes};
use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G07",
    name: "node-groups-on-non-node",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        let username = &written.mapping.username;
        let is_told = username.is_empty()
            || is_master_and_node(written)
            || explained::has_odd_username(written)
            || explained::is_misnamed_node(written);
        if username.starts_with("system:node:") || is_told {
            continue;
        }
        if let Some((group, span)) = written.groups().find(|(group, _)| is_of_nodes(group)) {
            let message = format!(
                "{group} is for nodes, whose names begin with system:node: and this one's is {username}"
            );
            let help = "leave the groups of nodes out";
            found.entry(written, span, message, help);
        }
    }
}
