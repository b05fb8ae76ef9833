//! Quotes, brackets and spaces that became part of a value.

use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S16",
    name: "stray-delimiters",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[
        "G02", "G04", "G07", "N04", "N05", "R01", "R02", "R03", "R05", "R06", "R07", "R08", "R09",
        "U03",
    ],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        for (part, text) in entry.values() {
            let bare = without_delimiters(text);
            // IAM allows a comma in a name, so there is no fix.
            if part == Part::Principal
                && let Some(name) = bare.strip_suffix(',')
            {
                let message = "a comma at the end is part of the value: the authenticator keeps it";
                findings.entry(entry, part, message, format!("write {name}"));
                continue;
            }
            if bare.len() == text.len() {
                continue;
            }
            let ends = [text.chars().next(), text.chars().next_back()];
            let stray = ends.into_iter().flatten().find(|c| is_delimiter(*c));
            let message = format!(
                "{} at the start or end is part of the value: the authenticator keeps it",
                stray.map_or("a character", name)
            );
            let is_one_line = !bare.is_empty() && !bare.contains(char::is_control);
            let help = if is_one_line {
                format!("write {bare}")
            } else {
                "write a value on one line".to_owned()
            };
            let change = entry
                .requote(entry.span(part), bare)
                .filter(|_| !bare.is_empty() && !bare.contains(is_delimiter));
            findings
                .entry(entry, part, message, help)
                .fix(format!("write {bare}"), change);
        }
    }
}

/// Returns a value without delimiters at its start and end.
pub(super) fn without_delimiters(text: &str) -> &str {
    text.trim_matches(is_delimiter)
}

fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || is_quote(c) || is_invisible(c) || matches!(c, '<' | '>')
}

fn is_quote(c: char) -> bool {
    matches!(
        c,
        '\'' | '"' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}'
    )
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Returns the name of a delimiter for messages.
fn name(c: char) -> &'static str {
    match c {
        '\n' | '\r' => "a line break",
        '\u{a0}' => "a no-break space",
        '<' | '>' => "a < or >",
        _ if is_quote(c) => "a quote",
        _ if is_invisible(c) => "an invisible character",
        _ => "a space",
    }
}
