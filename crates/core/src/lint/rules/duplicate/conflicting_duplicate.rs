//! If two entries for the same principal differ, only the last one has an effect.

use crate::document::Mapping;
use crate::lint::context::Context;
use crate::lint::entry_comparison::{EffectComparison, replaced_entries};
use crate::lint::facts::Needs;
use crate::lint::finding::{Findings, shortened, shortened_list};
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D02",
    name: "conflicting-duplicate",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut effects = EffectComparison::default();
    for (entry, by) in replaced_entries(context) {
        if !effects.is_same(entry, by) {
            let message = format!(
                "a later entry replaces this one: {} applies, {} does not; groups are not merged",
                describe(by.mapping),
                describe(entry.mapping)
            );
            findings
                .entry(entry, Part::Principal, message, "merge the two entries")
                .other_line(by.source.line);
        }
    }
}

fn describe(mapping: &Mapping) -> String {
    let groups = shortened_list(mapping.groups());
    let groups = match mapping.groups() {
        [] => "no group".to_owned(),
        [_] => format!("group {groups}"),
        _ => format!("groups {groups}"),
    };
    match mapping.username.as_str() {
        "" => groups,
        username => format!("user {} with {groups}", shortened(username)),
    }
}
