//! How to write a scalar.

use crate::document::resolve::{Resolved, resolve};

/// A spelling for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    None,
    Single,
    Double,
}

impl Quotes {
    /// Those of a scalar that is written like this; block scalars count as double-quoted.
    pub(super) fn of(written: &str) -> Self {
        match written.as_bytes().first() {
            Some(b'\'') => Self::Single,
            Some(b'"' | b'|' | b'>') => Self::Double,
            _ => Self::None,
        }
    }

    /// Writes the value so, or in double quotes where it cannot be written so.
    pub(super) fn spell(self, value: &str, in_flow: bool) -> String {
        match self {
            Self::None if is_plain(value, in_flow) => value.to_owned(),
            Self::Single if value.chars().all(is_printable) => {
                format!("'{}'", value.replace('\'', "''"))
            }
            _ => double(value),
        }
    }
}

/// Whether the value without quotes is a scalar, is that value, and is text.
fn is_plain(value: &str, in_flow: bool) -> bool {
    let first_is_fine = value.starts_with(|first: char| !"-?:,[]{}#&*!|>'\"%@` ".contains(first));
    let is_ended = value.ends_with([' ', ':']) || value.contains(": ") || value.contains(" #");
    let is_text =
        matches!(resolve(None, value), Ok(Resolved::Text)) && value != "<<" && value != "=";
    let fits_flow = !in_flow || !value.contains([',', '?', '[', ']', '{', '}']);
    first_is_fine
        && !is_ended
        && !value.starts_with("...")
        && is_text
        && fits_flow
        && value.chars().all(is_printable)
}

/// Whether a character can stand for itself on one line.
fn is_printable(char: char) -> bool {
    matches!(char, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

/// In double quotes, with escapes that JSON knows as well.
fn double(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for char in value.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if is_printable(char) => out.push(char),
            char => out.push_str(&format!("\\u{:04x}", u32::from(char))),
        }
    }
    out.push('"');
    out
}
