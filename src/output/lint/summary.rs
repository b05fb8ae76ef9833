//! The summary of all reports: how much was found, and what could not be checked.

use std::fmt::Write;

use super::located_report::Linted;
use awsauth_core::lint::{NotChecked, Severity};

/// Up to this number, unchecked rules are named; more are counted.
const MAX_NAMED: usize = 4;

/// Returns the rules that could not be checked, by ID if `all_ids`, and how much was found.
pub(crate) fn lint_notes(all: &[Linted<'_>], all_ids: bool) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(not_checked(all, all_ids));
    notes.push(summary(all));
    notes
}

/// Groups the rules that could not be checked everywhere by what they need.
fn not_checked(all: &[Linted<'_>], all_ids: bool) -> Option<String> {
    let mut by_needs: Vec<(&str, Vec<&str>)> = Vec::new();
    let each = each_not_checked(all);
    let count = each.len();
    for NotChecked { rule, needs } in each {
        match by_needs.iter_mut().find(|(other, _)| other == needs) {
            Some((_, ids)) => ids.push(rule.id),
            None => by_needs.push((needs, vec![rule.id])),
        }
    }
    let are_named = all_ids || count <= MAX_NAMED;
    let part = |(needs, ids): &(&str, Vec<&str>)| {
        let verb = if ids.len() == 1 { "needs" } else { "need" };
        let rules = match are_named {
            true => and(ids),
            false => ids.len().to_string(),
        };
        format!("{rules} {verb} {needs}")
    };
    let parts: Vec<String> = by_needs.iter().map(part).collect();
    let parts = parts.join("; ");
    match count {
        0 => None,
        _ if are_named => Some(format!("Not checked: {parts}.")),
        count => Some(format!(
            "Not checked: {count} rules (-v names them): {parts}."
        )),
    }
}

/// Returns each rule that could not be checked somewhere, once for each reason.
pub(super) fn each_not_checked<'a>(all: &[Linted<'a>]) -> Vec<&'a NotChecked> {
    let mut each: Vec<&NotChecked> = Vec::new();
    for not_checked in all.iter().flat_map(|linted| &linted.report().not_checked) {
        if !each.contains(&not_checked) {
            each.push(not_checked);
        }
    }
    each
}

/// Joins words: `a`, `a and b`, `a, b and c`.
fn and(words: &[&str]) -> String {
    match words {
        [first @ .., before, last] => {
            let first: String = first.iter().map(|word| format!("{word}, ")).collect();
            format!("{first}{before} and {last}")
        }
        words => words.concat(),
    }
}

/// Returns how much was found, such as `Found 1 error, 2 warnings (1 waived).`
pub(super) fn summary(all: &[Linted<'_>]) -> String {
    let mut parts = Vec::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let findings = all.iter().flat_map(|linted| &linted.report().findings);
        let name = severity.name();
        match findings
            .filter(|finding| finding.severity == severity)
            .count()
        {
            0 => {}
            1 => parts.push(format!("1 {name}")),
            many => parts.push(format!("{many} {name}s")),
        }
    }
    let mut text = if parts.is_empty() {
        "Nothing found".to_owned()
    } else {
        format!("Found {}", parts.join(", "))
    };
    let waived: usize = all.iter().map(|linted| linted.report().waived.len()).sum();
    if waived > 0 {
        let _ = write!(text, " ({waived} waived)");
    }
    text + "."
}
