//! Several groups in one list item, or groups in the username.

use crate::facts::groups::BUILT_IN;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S15",
    name: "groups-run-together",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["G01", "G02", "N04", "S16", "U03"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        if let Some((username, below)) = entry.username().split_once(" - ") {
            let message = format!(
                "the username is all of {}: the lines below it became part of it",
                entry.username()
            );
            let groups = below.replace(" - ", ", ");
            let help =
                format!("write username: {username}, and on a line of its own groups: [{groups}]");
            findings
                .entry(entry, Part::Entry, message, help)
                .at(entry.span(Part::Username));
        }
        for (part, group) in entry.groups() {
            let words = || group.split_whitespace();
            let is_of_words = words().count() > 1 && words().any(|word| BUILT_IN.contains(&word));
            if !group.contains(',') && !group.contains(" - ") && !is_of_words {
                continue;
            }
            let parts = group.split(',').flat_map(|part| part.split(" - "));
            let mut parts: Vec<&str> = parts
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .collect();
            if let [one] = parts.as_slice()
                && is_of_words
            {
                parts = one.split_whitespace().collect();
            }
            let message = format!("{group} is a single group with that name");
            let help = match parts.as_slice() {
                [] => "write one item for each group".to_owned(),
                [group] => format!("write only {group}"),
                parts => format!("write one item for each of {}", parts.join(" and ")),
            };
            findings.entry(entry, part, message, help);
        }
    }
}
