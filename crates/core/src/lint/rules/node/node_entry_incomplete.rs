//! An entry with the username of a node needs the groups of a node.

use crate::authenticator::Placeholder;
use crate::facts::groups::{MASTERS, OF_NODES};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N04",
    name: "node-entry-incomplete",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        // G05 and G06 report system:masters, which gives a node every permission.
        if !entry.username().starts_with("system:node:") || entry.has_group(MASTERS) {
            continue;
        }
        // U03 reports a user that cannot be a node.
        let instance = Placeholder::Ec2PrivateDnsName.text();
        if entry.is_sessionless() && entry.username().contains(instance) {
            continue;
        }
        let missing: Vec<_> = OF_NODES
            .into_iter()
            .filter(|group| !entry.has_group(group))
            .collect();
        if missing.is_empty() {
            continue;
        }
        let missing = missing.join(" and ");
        let message = format!("a node without {missing} cannot join or cannot work");
        let help = format!("add {missing} to its groups");
        findings.entry(entry, Part::Groups, message, help);
    }
}
