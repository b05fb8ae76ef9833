//! Two groups in one.

use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S15",
    name: "groups-run-together",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        for (group, span) in written.groups() {
            if !run_together(group) {
                continue;
            }
            let parts: Vec<&str> = group
                .split(',')
                .flat_map(|part| part.split(" - "))
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .collect();
            let message = format!("{group} is one group of that name");
            let help = match parts.as_slice() {
                [] => "write one item for each group".to_owned(),
                [group] => format!("write {group} alone"),
                parts => format!("write one item for each of {}", parts.join(" and ")),
            };
            found.entry(written, span, message, help);
        }
    }
}

/// Whether this is more than one group, by the look of it.
pub(in crate::lint) fn run_together(group: &str) -> bool {
    group.contains(',') || group.contains(" - ")
}
