//! An entry has the same field twice.

use crate::document::{DecodeWarning, Principal};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::{Part, ResolvedEntry};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S13",
    name: "repeated-field",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.entries() {
        for warning in &entry.source.decode_warnings {
            let DecodeWarning::Repeated { earlier, later } = warning else {
                continue;
            };
            let (first, second) = (entry.field_name(*earlier), entry.field_name(*later));
            let repetition = if first == second {
                format!("{second} occurs twice in this entry")
            } else {
                format!("{second} and {first} are the same field")
            };
            let message = match value_in_use(entry, second) {
                Some(value) => format!("{repetition}: the authenticator uses {value}"),
                None => repetition,
            };
            findings
                .entry(entry, Part::Entry, message, "keep only one of them")
                .at(later.key);
        }
    }
}

/// Returns the value of a field that the authenticator uses, if it keeps the entry.
fn value_in_use(entry: &ResolvedEntry<'_>, name: &str) -> Option<String> {
    if !entry.is_kept() {
        return None;
    }
    let value = match name.to_ascii_lowercase().as_str() {
        "username" => entry.username().to_owned(),
        "groups" => entry.mapping.groups().join(", "),
        "rolearn" | "userarn" => match &entry.mapping.principal {
            Principal::Role(arn) | Principal::User(arn) => arn.clone(),
            _ => return None,
        },
        _ => return None,
    };
    Some(if value.is_empty() {
        "neither".to_owned()
    } else {
        value
    })
}
