//! Whether a text means the same when other text around it moves.

use crate::document::edit::lines::{bom, indent_before, usual_break, without_break};
use crate::document::edit::model::mapping_of;
use crate::document::{Entry, NotEditable, Section, Span};

/// Refuses a text in which an edit at one place would change what stands at another.
pub(super) fn check(section: &Section) -> Result<(), NotEditable> {
    let text = section.text().unwrap_or_default();
    let refuse = |at: usize, line: usize, reason: &str| {
        Err(NotEditable {
            line,
            span: Span::new(at, at),
            reason: reason.to_owned(),
        })
    };
    if let Some(at) = misread(text) {
        let line = 1 + text[..at].matches('\n').count();
        return refuse(at, line, "a character that is read in some places only");
    }
    let is_block = section.list().is_none_or(|list| !list.flow);
    if let Some(at) = tab_before_comment(text).filter(|_| is_block) {
        let line = 1 + text[..at].matches('\n').count();
        return refuse(
            at,
            line,
            "a tab before a comment, which may stand behind some values only",
        );
    }
    let Some(last) = section.entries().last() else {
        return Ok(());
    };
    let is_open = |entry: &&Entry| {
        let behind = text[entry.span.end()..].trim_start();
        entry.dash.is_none() && behind.starts_with(':')
    };
    if let Some(open) = section.entries().iter().find(is_open) {
        return refuse(open.span.end(), open.line, "a key without a value");
    }
    if without_break(text).is_none() && ends_in_block_scalar(section, text) {
        return refuse(
            last.span.start(),
            last.line,
            "a value that ends with the text, without a line break",
        );
    }
    Ok(())
}

/// The first character that YAML does not allow, or a byte order mark behind the beginning. The authenticator finds
/// it or not, and reads on or not, depending on how far into the text it stands.
fn misread(text: &str) -> Option<usize> {
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

/// A line of blanks, among them a tab, and a comment.
fn tab_before_comment(text: &str) -> Option<usize> {
    text.match_indices('\t').map(|(at, _)| at).find(|&at| {
        let behind = text[at..].trim_start_matches([' ', '\t']);
        behind.starts_with('#') && indent_before(text, at).is_some()
    })
}

/// Whether the last value would gain the line break that more text needs before it.
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
    ended.entries().last().map(mapping_of) != Some(mapping_of(last))
}
