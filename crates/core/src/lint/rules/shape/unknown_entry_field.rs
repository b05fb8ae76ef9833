//! The authenticator ignores unknown fields of an entry.

use strsim::levenshtein;

use crate::document::{DecodeWarning, SectionName};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

/// Names that users write for a field with another name.
const SYNONYMS: [(&str, &str); 6] = [
    ("group", "groups"),
    ("user", "username"),
    ("usernames", "username"),
    ("name", "username"),
    ("role", "rolearn"),
    ("roles", "rolearn"),
];

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S12",
    name: "unknown-entry-field",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &["G01", "N04", "U01", "U03"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        for warning in &entry.source.decode_warnings {
            let DecodeWarning::UnknownField(field) = warning else {
                continue;
            };
            let name = entry.field_name(*field);
            let message =
                format!("the authenticator does not know the field {name} and ignores it");
            let intended = intended_field(entry.section, name);
            let part = match intended {
                Some("username") => Part::Username,
                Some("groups") => Part::Groups,
                _ => Part::UnknownField,
            };
            let is_section = |known: SectionName| known.key() == name;
            let (help, severity) = match intended {
                _ if SectionName::ALL.into_iter().any(is_section) => (
                    format!(
                        "{name} is a key of data, not a field of an entry: indent it like `{}:`",
                        entry.section.key()
                    ),
                    Severity::Error,
                ),
                Some(intended) => (
                    format!("write {intended} if that is what you mean"),
                    Severity::Error,
                ),
                None => (
                    "remove it, or make it a comment".to_owned(),
                    Severity::Warning,
                ),
            };
            findings
                .entry(entry, part, message, help)
                .at(field.key)
                .severity(severity);
        }
    }
}

/// Returns the field that was probably intended by this name.
fn intended_field(section: SectionName, name: &str) -> Option<&'static str> {
    let folded = name.to_ascii_lowercase();
    let arn = if section == SectionName::Users {
        "userarn"
    } else {
        "rolearn"
    };
    let synonym = SYNONYMS
        .iter()
        .find(|(synonym, _)| *synonym == folded)
        .map(|(_, field)| if *field == "rolearn" { arn } else { field });
    synonym.or_else(|| {
        [arn, "username", "groups"]
            .into_iter()
            .filter(|field| field.len().abs_diff(folded.len()) <= 2)
            .find(|field| levenshtein(field, &folded) <= 2)
    })
}
