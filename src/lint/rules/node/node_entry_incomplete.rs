//! What the username of a node says, its groups have to allow.

use crate::facts::groups::{MASTERS, OF_NODES};
use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::rules::username::template_needs_a_session::is_refused;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N04",
    name: "node-entry-incomplete",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        if !written.mapping.username.starts_with("system:node:") {
            continue;
        }
        let groups = written.mapping.groups();
        // Whom system:masters lets do everything lacks nothing; that is for G05 and G06 to say.
        if groups.iter().any(|group| group == MASTERS) {
            continue;
        }
        let missing: Vec<_> = OF_NODES
            .into_iter()
            .filter(|group| !groups.iter().any(|has| has == group))
            .collect();
        if missing.is_empty() || explained::has_lost_groups(written) || is_refused(written) {
            continue;
        }
        let message = format!(
            "a node without {} can't join or can't work",
            missing.join(" and ")
        );
        let help = format!("add {} to its groups", missing.join(" and "));
        found.entry(written, written.groups_span(), message, help);
    }
}
