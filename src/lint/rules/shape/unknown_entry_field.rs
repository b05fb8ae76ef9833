//! A field that the authenticator does not know is passed over without a word.

use crate::document::{Oddity, SectionName};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};
use strsim::levenshtein;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S12",
    name: "unknown-entry-field",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

/// Words that people write for a field that has another name.
const OTHER_WORDS: [(&str, &str); 6] = [
    ("group", "groups"),
    ("user", "username"),
    ("usernames", "username"),
    ("name", "username"),
    ("role", "rolearn"),
    ("roles", "rolearn"),
];

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        for oddity in &written.entry.oddities {
            let Oddity::UnknownField(field) = oddity else {
                continue;
            };
            let name = written.field_name(*field);
            let message =
                format!("the authenticator does not know the field {name}, and passes over it");
            match meant(written.section, name) {
                Some(meant) => {
                    let finding = found.entry(
                        written,
                        field.key,
                        message,
                        format!("write {meant}, if that is what is meant"),
                    );
                    if let Some(finding) = finding {
                        finding.severity(Severity::Error);
                    }
                }
                None => {
                    found.entry(
                        written,
                        field.key,
                        message,
                        "leave it out, or make it a comment",
                    );
                }
            }
        }
    }
}

/// The field that a name is not, by a letter or two.
pub(in crate::lint) fn meant(section: SectionName, name: &str) -> Option<&'static str> {
    let folded = name.to_ascii_lowercase();
    let arn = if section == SectionName::Users {
        "userarn"
    } else {
        "rolearn"
    };
    let word = OTHER_WORDS
        .iter()
        .find(|(word, _)| *word == folded)
        .map(|(_, field)| if *field == "rolearn" { arn } else { field });
    word.or_else(|| {
        [arn, "username", "groups"]
            .into_iter()
            .filter(|field| field.len().abs_diff(folded.len()) <= 2)
            .find(|field| levenshtein(field, &folded) <= 2)
    })
}
