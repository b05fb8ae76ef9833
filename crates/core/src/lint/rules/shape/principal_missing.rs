//! The authenticator drops an entry without a principal, or with two.

use strsim::levenshtein;

use crate::document::{DecodeWarning, Field, Principal, SectionName, Status};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::{Part, ResolvedEntry};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S08",
    name: "principal-missing",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.entries() {
        let field = match entry.section {
            SectionName::Roles => "rolearn",
            SectionName::Users => "userarn",
            SectionName::Accounts => continue,
        };
        if !matches!(entry.source.status, Status::Dropped { .. }) {
            continue;
        }
        match &entry.mapping.principal {
            Principal::Role(arn) if !arn.is_empty() => {
                let message = "an entry must have either rolearn or sso, but this one has both: the authenticator drops it";
                let help =
                    "remove sso, which has an effect only with the feature gate SSORoleMatch";
                findings.entry(entry, Part::Entry, message, help);
            }
            _ => report_missing(entry, field, findings),
        }
    }
}

fn report_missing(entry: &ResolvedEntry<'_>, field: &'static str, findings: &mut Findings) {
    if entry.source.fields.principal.is_some() {
        let mut decode_warnings = entry.source.decode_warnings.iter();
        let mistyped = decode_warnings.find_map(|warning| match warning {
            DecodeWarning::Mistyped {
                field: of, found, ..
            } if *of == field => Some(found.name()),
            _ => None,
        });
        let what = mistyped.unwrap_or("empty");
        let message = format!("{field} is {what}: the authenticator drops the entry");
        let help = format!("write the ARN as text, as in {field}: {}", example(entry));
        findings
            .entry(entry, Part::Entry, message, help)
            .at(entry.span(Part::Principal));
        return;
    }
    let decode_warnings = entry.source.decode_warnings.iter();
    let similar: Vec<Field> = decode_warnings
        .filter_map(|warning| match warning {
            DecodeWarning::UnknownField(other) => Some(*other),
            _ => None,
        })
        .filter(|other| is_similar(entry.raw(other.key), field))
        .collect();
    let [similar] = similar.as_slice() else {
        let message = format!("there is no {field}: the authenticator drops the entry");
        let help = format!("add the principal, as in {field}: {}", example(entry));
        findings.entry(entry, Part::Entry, message, help);
        return;
    };
    let name = entry.raw(similar.key);
    let message = format!("{name} is not {field}: the authenticator drops the entry");
    let is_arn = entry
        .raw(similar.value)
        .trim_start_matches(['"', '\''])
        .starts_with("arn:");
    let renamed = name.replacen(entry.field_name(*similar), field, 1);
    findings
        .entry(entry, Part::Entry, message, format!("write {field}"))
        .at(similar.key)
        .fix(
            format!("write {field}"),
            is_arn.then_some((similar.key, renamed)),
        );
}

fn example(entry: &ResolvedEntry<'_>) -> &'static str {
    if entry.section == SectionName::Users {
        "arn:aws:iam::111122223333:user/NAME"
    } else {
        "arn:aws:iam::111122223333:role/NAME"
    }
}

/// Returns whether this name was probably intended as the field, such as `role_arn` or `arn`.
fn is_similar(name: &str, field: &str) -> bool {
    let bare: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let has_similar_length = bare.len().abs_diff(field.len()) <= 2;
    bare == "arn"
        || (has_similar_length && levenshtein(&bare, field) <= 2 && bare.ends_with(['n', 's']))
}
