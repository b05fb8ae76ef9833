//! Spelling a text as a scalar where there is no style to keep.

use super::lines::{decoded_lines, is_break};

/// How a text is spelt where there is no style of its own to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// A literal block, this much further in than its key.
    Literal { offset: usize },
    /// Double quotes on one line.
    Double,
    /// Single quotes on one line where they can say it.
    Single,
    /// As it is where that cannot be misread.
    Plain,
}

impl Spelling {
    /// What stands behind the key, and the lines below it. `below` is the indent of what follows those.
    pub(crate) fn spell(
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
            None if self == Self::Plain && fits_plain(text) => (text.to_owned(), String::new()),
            None if self == Self::Single && fits_single(text) => (single(text), String::new()),
            None => (double(text), String::new()),
        }
    }
}

/// Whether YAML takes the character as it is inside a scalar; line breaks aside.
fn is_plain_character(c: char) -> bool {
    matches!(c, '\t' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether a block scalar can hold the text in some way.
pub(crate) fn fits_block(text: &str) -> bool {
    let is_ascii = text
        .bytes()
        .fold(true, |all, byte| all & matches!(byte, b' '..=b'~' | b'\n'));
    (is_ascii || text.chars().all(|c| is_plain_character(c) || c == '\n'))
        && !text.ends_with(['\u{2028}', '\u{2029}'])
}

/// Whether a single-quoted scalar on one line can hold the text.
pub(crate) fn fits_single(text: &str) -> bool {
    text.chars().all(|c| is_plain_character(c) && !is_break(c))
}

/// Whether a text without any quotes is that text to every reader of YAML.
/// Many that would do are not taken: what begins with a digit may be a number or a date.
fn fits_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let name = text.strip_prefix("--").unwrap_or(text);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./:@+=%".contains(c))
        && !text.ends_with(':')
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether the first line that says something begins with a blank, so that its indent cannot be told from its text.
pub(crate) fn hides_indent(lines: &[(&str, char)]) -> bool {
    lines
        .iter()
        .find(|(line, _)| !line.is_empty())
        .is_some_and(|(line, _)| line.starts_with([' ', '\t']))
}

/// Appends the inside of a double-quoted scalar, spelt so that it is JSON as well.
pub(crate) fn push_double(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_plain_character(c) && !is_break(c) => out.push(c),
            c => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
}

pub(crate) fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16 + 2);
    out.push('"');
    push_double(&mut out, text);
    out.push('"');
    out
}

pub(crate) fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A literal block scalar.
pub(crate) struct Literal {
    /// `|` and its indicators.
    pub(crate) header: String,
    /// Its lines, indented, each with its break.
    pub(crate) body: String,
}

/// Spells a text that [`fits_block`] as a literal block below a key in column `parent`, `offset` columns further in.
/// `None` when the text is empty or needs more than a literal block can say.
pub(crate) fn literal(
    text: &str,
    parent: usize,
    offset: usize,
    line_break: &str,
) -> Option<Literal> {
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
        // `|+` would take in the blank lines that follow.
        return None;
    }
    let mut body = String::with_capacity(text.len() + lines.len() * (parent + offset));
    for &line in &lines {
        push_block_line(&mut body, line, parent + offset, line_break);
    }
    Some(Literal { header, body })
}

/// Appends one line of a block scalar. A line that is empty is not indented.
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
