//! Nodes that may do everything.

use super::is_master_and_node;
use crate::facts::groups::MASTERS;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G06",
    name: "masters-with-nodes",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        let masters = written.groups().find(|(group, _)| *group == MASTERS);
        let Some((_, span)) = masters.filter(|_| is_master_and_node(written)) else {
            continue;
        };
        let message = "system:masters together with a group of nodes: whoever gets at the credentials of a node may do everything in the cluster";
        let help =
            "leave system:masters to an entry of another role, or leave out the groups of nodes";
        found.entry(written, span, message, help);
    }
}
