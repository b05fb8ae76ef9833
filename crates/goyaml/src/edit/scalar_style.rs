//! How scalars are written: plain, in quotes, or as a literal block.

use super::lines::decoded_lines;
use crate::{Resolved, resolve};

/// The quotes of a scalar on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotes {
    None,
    Single,
    Double,
}

impl Quotes {
    /// Returns the quotes of a scalar as written. Block scalars are treated as double-quoted.
    pub fn of(written: &str) -> Self {
        match written.as_bytes().first() {
            Some(b'\'') => Self::Single,
            Some(b'"' | b'|' | b'>') => Self::Double,
            _ => Self::None,
        }
    }

    /// Writes the text in these quotes, or in double quotes if these cannot represent it.
    pub fn spell(self, text: &str, in_flow: bool) -> String {
        match self {
            Self::None if is_plain(text, in_flow) => text.to_owned(),
            Self::Single if text.chars().all(is_printable) => single(text),
            _ => double(text),
        }
    }
}

/// How a new value of a key is written if there is no style to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As a literal block, indented this much deeper than its key.
    Literal { offset: usize },
    /// In double quotes on one line.
    Double,
    /// In single quotes on one line, if they can represent the text.
    Single,
    /// Without quotes, if every YAML reader reads it as this text.
    Plain,
}

impl Spelling {
    /// Returns what follows the key on its line, and the lines below it. `below` is the indentation that a block scalar
    /// needs at least: see `indent_below` in the module `lines`.
    pub fn spell(
        self,
        text: &str,
        column: usize,
        line_break: &str,
        below: usize,
    ) -> (String, String) {
        let block = match self {
            // A comment as deep as the block would become part of it.
            Self::Literal { offset } if fits_block(text) && below <= column + offset => {
                literal(text, column, offset, line_break)
            }
            _ => None,
        };
        match block {
            Some(block) => (block.header, block.body),
            None if self == Self::Plain && is_portable(text) => (text.to_owned(), String::new()),
            None if self == Self::Single && fits_single(text) => (single(text), String::new()),
            None => (double(text), String::new()),
        }
    }
}

/// Returns whether the text without quotes is a scalar that go-yaml reads as this text.
fn is_plain(text: &str, in_flow: bool) -> bool {
    let first_is_fine = text.starts_with(|first: char| !"-?:,[]{}#&*!|>'\"%@` ".contains(first));
    let is_ended = text.ends_with([' ', ':']) || text.contains(": ") || text.contains(" #");
    let is_text = matches!(resolve(None, text), Ok(Resolved::Text)) && text != "<<" && text != "=";
    let fits_flow = !in_flow || !text.contains([',', '?', '[', ']', '{', '}']);
    first_is_fine
        && !is_ended
        && !text.starts_with("...")
        && is_text
        && fits_flow
        && text.chars().all(is_printable)
}

/// Returns whether every YAML reader, of 1.1 or 1.2, reads the text without quotes as this text. Returns `false`
/// for some strings that need no quotes: a string that begins with a digit may be a number or a date.
fn is_portable(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let name = text.strip_prefix("--").unwrap_or(text);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./:@+=%".contains(c))
        && !text.ends_with(':')
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Returns whether a scalar on one line can contain the character unescaped.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

/// Returns whether a single-quoted scalar on one line can represent the text.
pub fn fits_single(text: &str) -> bool {
    text.chars().all(|c| is_printable(c) || c == '\t')
}

/// Returns whether any block scalar can represent the text.
pub(crate) fn fits_block(text: &str) -> bool {
    let is_ascii = text
        .bytes()
        .fold(true, |all, byte| all & matches!(byte, b' '..=b'~' | b'\n'));
    let fits =
        |c| is_printable(c) || matches!(c, '\t' | '\n' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    (is_ascii || text.chars().all(fits)) && !text.ends_with(['\u{2028}', '\u{2029}'])
}

/// Returns whether the first line with content begins with white space, so that the indentation of a block scalar cannot
/// be inferred from it.
pub(crate) fn hides_indent(lines: &[(&str, char)]) -> bool {
    lines
        .iter()
        .find(|(line, _)| !line.is_empty())
        .is_some_and(|(line, _)| line.starts_with([' ', '\t']))
}

/// Appends the inside of a double-quoted scalar, written so that it is JSON as well.
pub(crate) fn push_double(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
}

/// Writes a string in double quotes, as JSON would.
pub fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16 + 2);
    out.push('"');
    push_double(&mut out, text);
    out.push('"');
    out
}

/// Writes a string in single quotes.
pub fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A literal block scalar.
pub struct Literal {
    /// `|` and its indicators.
    pub header: String,
    /// Its lines, indented, each with its line break.
    pub body: String,
}

/// Writes a string that a block scalar can represent as a literal block below a key in column `parent`, `offset` columns deeper.
/// Returns `None` if the text is empty or a literal block cannot represent it.
pub fn literal(text: &str, parent: usize, offset: usize, line_break: &str) -> Option<Literal> {
    let lines = decoded_lines(text);
    let (last, _) = lines.last()?;
    let mut header = String::from("|");
    if hides_indent(&lines) {
        if !(1..=9).contains(&offset) {
            return None;
        }
        header += &offset.to_string();
    }
    if !text.ends_with('\n') {
        header.push('-');
    } else if last.is_empty() {
        // `|+` would include the blank lines that follow.
        return None;
    }
    let mut body = String::with_capacity(text.len() + lines.len() * (parent + offset));
    for &line in &lines {
        push_block_line(&mut body, line, parent + offset, line_break);
    }
    Some(Literal { header, body })
}

/// Appends one line of a block scalar. An empty line is not indented.
pub(crate) fn push_block_line(
    out: &mut String,
    (line, ends): (&str, char),
    indent: usize,
    line_break: &str,
) {
    if !line.is_empty() {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(line);
    }
    if ends == '\n' {
        out.push_str(line_break)
    } else {
        out.push(ends)
    }
}
