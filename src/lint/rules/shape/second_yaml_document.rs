//! The authenticator reads the first document of a section, and nothing behind it.

use crate::document::{Section, Span};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

/// What begins a document.
const MARK: &str = "---";

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S14",
    name: "second-yaml-document",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for section in context.document.sections() {
        let (Some(at), Some(text)) = (section.second_document(), section.text()) else {
            continue;
        };
        // Where nothing at all is read, another rule says why.
        if section.is_unreadable() {
            continue;
        }
        let rest = text[at..].trim_start_matches(MARK);
        let says_something = |line: &str| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && line != MARK && line != "..."
        };
        if !rest.lines().any(says_something) {
            continue;
        }
        let end = at + text[at..].find(['\n', '\r']).unwrap_or(text.len() - at);
        let span = Span::new(at, end);
        let message = format!(
            "a second YAML document begins here: the authenticator reads nothing of {} from here on",
            section.name().key()
        );
        let help = "make one list of the two, and leave out what parts them";
        if let Some(finding) = found.section(section.name(), span, message, help) {
            finding.fix("remove the line ---", joined(section, text, at));
        }
    }
}

/// The change that makes one list of two.
fn joined(section: &Section, text: &str, at: usize) -> Option<(Span, String)> {
    let line = text[at..].split_inclusive('\n').next()?;
    if line.trim() != MARK {
        return None;
    }
    let second = &text[at + line.len()..];
    let read = |text: String| Section::read(section.name(), Some(text)).entries().len();
    let joined = format!("{}{second}", &text[..at]);
    let wanted = section.entries().len() + read(second.to_owned());
    (wanted > section.entries().len() && read(joined) == wanted)
        .then(|| (Span::new(at, at + line.len()), String::new()))
}
