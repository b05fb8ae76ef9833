//! The API server accepts only strings in `data`.

use crate::document::ENTRY_FIELDS;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::finding::Fix;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S03",
    name: "map-not-a-string",
    severity: Severity::Error,
    needs: Needs::File,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let faults = &context.facts.manifest_faults;
    for value in &faults.not_text {
        let (key, kind) = (&value.key, value.what);
        let message = format!(
            "{key} is {kind}, not a string: the API server rejects the ConfigMap, so the authenticator never sees it"
        );
        let help = match kind {
            _ if ENTRY_FIELDS.contains(&key.as_str()) => {
                format!("indent {key} like the other fields of the entry that it belongs to")
            }
            _ if faults.fits_literal_blocks && value.is_in_line_of_key => {
                let value = kind.trim_start_matches("a ");
                format!(
                    "write `|` after `{key}:`, and the {value} in the next line, indented deeper than `{key}`"
                )
            }
            _ if faults.fits_literal_blocks => {
                format!("add `|` after `{key}:`, and indent the lines below it deeper than `{key}`")
            }
            "a list" | "a mapping" => "write it as a string".to_owned(),
            _ => "put it in quotes".to_owned(),
        };
        let finding = findings.key(key, message, help);
        if faults.fits_literal_blocks {
            finding.fix = Some(Fix {
                what: format!("add | after {key}:"),
                // The change is outside the section's text.
                replacements: Vec::new(),
            });
        }
    }
}
