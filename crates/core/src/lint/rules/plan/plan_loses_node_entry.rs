//! A plan that removes or reduces a node entry locks out the nodes of that role.

use crate::authenticator::{Loss, LostNodes, Store, lost_nodes};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::facts::ObjectChange;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "P02",
    name: "plan-loses-node-entry",
    severity: Severity::Error,
    needs: Needs::File,
    supersedes: &["P03"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(change) = &context.facts.change else {
        return;
    };
    if change.object == ObjectChange::Deleted {
        return;
    }
    let (before, after) = (Store::new(&change.before), Store::new(context.document));
    for LostNodes { arn, section, loss } in lost_nodes(&before, &after) {
        if change.unknown.contains(&section) {
            continue;
        }
        let (action, help) = match loss {
            Loss::Entry => (
                format!("removes the node entry for {arn}"),
                "keep the entry while nodes have this role",
            ),
            Loss::Terms => (
                format!("changes the username or removes groups of the node entry for {arn}"),
                "keep the username and groups while nodes have this role",
            ),
        };
        let message =
            format!("the plan {action}: new nodes cannot join, and existing nodes become NotReady");
        findings.key(section.key(), message, help).principal = Some(arn.into());
    }
}
