//! The authenticator reads only the first YAML document of a section.

use crate::document::{Section, Span};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

/// The line that begins a document.
const SEPARATOR: &str = "---";

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S14",
    name: "second-yaml-document",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for section in context.document.sections() {
        let (Some(at), Some(text)) = (section.second_document(), section.text()) else {
            continue;
        };
        // Another rule reports why the authenticator reads nothing of the section.
        if section.is_unreadable() {
            continue;
        }
        let rest = text[at..].trim_start_matches(SEPARATOR);
        let has_content = |line: &str| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && line != SEPARATOR && line != "..."
        };
        if !rest.lines().any(has_content) {
            continue;
        }
        let end = at + text[at..].find(['\n', '\r']).unwrap_or(text.len() - at);
        let span = Span::new(at, end);
        let message = format!(
            "a second YAML document begins here: the authenticator ignores the rest of {}",
            section.name().key()
        );
        let help = "merge the two lists, and remove the separator";
        findings
            .section(section.name(), span, message, help)
            .fix("remove the line ---", joined(section, text, at));
    }
}

/// Returns the change that merges the two lists, if they have the same form.
fn joined(section: &Section, text: &str, at: usize) -> Option<(Span, String)> {
    let line = text[at..].split_inclusive('\n').next()?;
    if line.trim() != SEPARATOR {
        return None;
    }
    let second = &text[at + line.len()..];
    let count = |text: String| Section::read(section.name(), Some(text)).entries().len();
    let joined = format!("{}{second}", &text[..at]);
    let expected = section.entries().len() + count(second.to_owned());
    (expected > section.entries().len() && count(joined) == expected)
        .then(|| (Span::new(at, at + line.len()), String::new()))
}
