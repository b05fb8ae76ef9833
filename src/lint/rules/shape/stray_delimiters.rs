//! Quotes, brackets and blanks that have become part of a value.

use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S16",
    name: "stray-delimiters",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        for (text, span) in written.texts() {
            if !explained::is_stray(text) {
                continue;
            }
            let bare = stripped(text);
            let (first, last) = (text.chars().next(), text.chars().next_back());
            let odd = [first, last].into_iter().flatten().find(|c| is_stray(*c));
            let what = odd.map_or("a character", name);
            let message = format!(
                "{what} at the start or end is part of the value: the authenticator keeps it"
            );
            let help = if bare.is_empty() || bare.contains(char::is_control) {
                "write a value of one line".to_owned()
            } else {
                format!("write {bare}")
            };
            if let Some(finding) = found.entry(written, span, message, help) {
                let change = written
                    .rewritten(span, bare)
                    .filter(|_| !bare.is_empty() && !bare.contains(is_stray));
                finding.fix(format!("write {bare}"), change);
            }
        }
    }
}

/// A value without what has strayed into it.
pub(in crate::lint) fn stripped(text: &str) -> &str {
    text.trim_matches(is_stray)
}

fn is_stray(c: char) -> bool {
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

/// As messages say it.
fn name(c: char) -> &'static str {
    match c {
        '\n' | '\r' => "a line break",
        '\u{a0}' => "a no-break space",
        '<' | '>' => "a < or >",
        _ if is_quote(c) => "a quote",
        _ if is_invisible(c) => "an invisible character",
        _ => "a blank",
    }
}
