//! An entry has the same field twice, or `data` the same key.

use crate::document::{DecodeWarning, Field, Principal};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::{Findings, shortened, shortened_list};
use crate::lint::resolved_entry::{Part, ResolvedEntry};
use crate::lint::rule::{Rule, Severity};
use crate::manifest::RepeatedKey;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S13",
    name: "repeated-field",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for repeated in &context.facts.manifest_faults.repeated {
        let RepeatedKey {
            key,
            span,
            last_line,
        } = repeated;
        let message = format!(
            "{key} is repeated: kubectl uses only the last one, at line {last_line}, and drops this one"
        );
        findings.file(
            span.clone(),
            message,
            format!("merge the two lists into one {key}"),
        );
    }
    for entry in context.entries() {
        if let Some(principal) = second_principal(entry) {
            let name = entry.field_name(principal);
            let message = format!(
                "a second {name} in one entry: the authenticator keeps only the last value of each field, and drops the first {name}"
            );
            let help = format!("begin a new entry with a dash: - {name}");
            findings
                .entry(entry, Part::Entry, message, help)
                .at(principal.key);
            continue;
        }
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

/// Returns the field that begins a second entry whose dash is missing: a principal that is repeated together with other fields.
fn second_principal(entry: &ResolvedEntry<'_>) -> Option<Field> {
    let repeated = || {
        let warnings = entry.source.decode_warnings.iter();
        warnings.filter_map(|warning| match warning {
            DecodeWarning::Repeated { later, .. } => Some(*later),
            _ => None,
        })
    };
    let is_principal = |field: &Field| {
        let name = entry.field_name(*field);
        ["rolearn", "userarn"]
            .into_iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    };
    (repeated().count() > 1).then(|| repeated().find(is_principal))?
}

/// Returns the value of a field that the authenticator uses, if it keeps the entry.
fn value_in_use(entry: &ResolvedEntry<'_>, name: &str) -> Option<String> {
    if !entry.is_kept() {
        return None;
    }
    let value = match name.to_ascii_lowercase().as_str() {
        "username" => shortened(entry.username()).into_owned(),
        "groups" => shortened_list(entry.mapping.groups()),
        "rolearn" | "userarn" => match &entry.mapping.principal {
            Principal::Role(arn) | Principal::User(arn) => shortened(arn).into_owned(),
            _ => return None,
        },
        _ => return None,
    };
    Some(if value.is_empty() {
        "an empty value".to_owned()
    } else {
        value
    })
}
