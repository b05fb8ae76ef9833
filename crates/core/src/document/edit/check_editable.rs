//! Rejects sections in which an edit could change the meaning of another part.

use goyaml::edit::lines::{bom, indent_before, usual_break, without_break};

use crate::document::{Entry, NotEditable, Section, Span};

/// Checks that the meaning of each part of the section does not depend on its position.
///
/// # Errors
/// The first part whose meaning does.
pub(super) fn check(section: &Section) -> Result<(), NotEditable> {
    let text = section.text().unwrap_or_default();
    let reject = |at: usize, line: usize, reason: &str| {
        Err(NotEditable {
            line,
            span: Span::new(at, at),
            reason: reason.to_owned(),
        })
    };
    if let Some(at) = forbidden_character(text) {
        let line = 1 + text[..at].matches('\n').count();
        return reject(
            at,
            line,
            "a character that go-yaml rejects in some positions only",
        );
    }
    let is_block = section.list().is_none_or(|list| !list.flow);
    if let Some(at) = tab_before_comment(text).filter(|_| is_block) {
        let line = 1 + text[..at].matches('\n').count();
        return reject(
            at,
            line,
            "a tab before a comment, which YAML allows after some values only",
        );
    }
    let Some(last) = section.entries().last() else {
        return Ok(());
    };
    let is_open = |entry: &&Entry| {
        let rest = text[entry.span.end()..].trim_start();
        entry.dash.is_none() && rest.starts_with(':')
    };
    if let Some(open) = section.entries().iter().find(is_open) {
        return reject(open.span.end(), open.line, "a key without a value");
    }
    if without_break(text).is_none() && ends_in_block_scalar(section, text) {
        return reject(
            last.span.start(),
            last.line,
            "a value that ends with the text, without a line break",
        );
    }
    Ok(())
}

/// Returns the first character that YAML does not allow, or a byte order mark that is not at the start. Whether the
/// authenticator notices it depends on its distance from the start of the text.
fn forbidden_character(text: &str) -> Option<usize> {
    let is_fine = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    if text.bytes().all(is_fine) {
        return None;
    }
    let start = bom(text);
    let mut chars = text[start..].char_indices();
    let found = chars.find(|(_, char)| {
        !matches!(char, ' '..='~' | '\n' | '\r' | '\t' | '\u{85}' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
    });
    found.map(|(at, _)| start + at)
}

/// Returns the first tab in the white space before a comment that has its line to itself.
fn tab_before_comment(text: &str) -> Option<usize> {
    text.match_indices('\t').map(|(at, _)| at).find(|&at| {
        let rest = text[at..].trim_start_matches([' ', '\t']);
        rest.starts_with('#') && indent_before(text, at).is_some()
    })
}

/// Returns whether the last value would gain the line break that text after it needs.
fn ends_in_block_scalar(section: &Section, text: &str) -> bool {
    let Some(last) = section.entries().last() else {
        return false;
    };
    let start = last.dash.unwrap_or(last.span.start());
    if !text[start..].contains(['|', '>']) {
        return false;
    }
    let ended = format!("{text}{}", usual_break(text, text.len()));
    let ended = Section::read(section.name(), Some(ended));
    ended.entries().last().map(Entry::written_mapping) != Some(last.written_mapping())
}
