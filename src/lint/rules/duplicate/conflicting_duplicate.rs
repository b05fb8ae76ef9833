//! Two entries for one principal that say different things: only the last one counts.

use super::{replaced, says_the_same};
use crate::document::Mapping;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D02",
    name: "conflicting-duplicate",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, by) in replaced(context) {
        if !says_the_same(written.mapping, by.mapping) {
            let message = format!(
                "a later entry replaces this one: {} counts, and {} does not; groups are not merged",
                said(by.mapping),
                said(written.mapping)
            );
            let span = written.principal_span();
            let finding = found.entry(written, span, message, "make one entry of the two");
            if let Some(finding) = finding {
                finding.other(by.entry.line);
            }
        }
    }
}

fn said(mapping: &Mapping) -> String {
    let groups = match mapping.groups() {
        [] => "no group".to_owned(),
        [group] => format!("group {group}"),
        groups => format!("groups {}", groups.join(", ")),
    };
    match mapping.username.as_str() {
        "" => groups,
        username => format!("user {username} with {groups}"),
    }
}
