//! Escapes text for terminals.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// Escapes control and direction characters, so that text in aws-auth cannot hide itself or control the terminal.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(unsafe_to_show) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\r' => shown.extend(c.escape_default()),
            c if unsafe_to_show(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

pub(super) fn unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Returns the width of a text on a terminal.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Shortens a text to `limit` columns. Replaces the middle by an ellipsis, because both ends of an ARN identify it best.
pub(super) fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    if columns(text) <= limit {
        return Cow::Borrowed(text);
    }
    let kept = limit.saturating_sub(1);
    let head = take(text.chars(), kept / 3);
    let tail = take(text.chars().rev(), kept - kept / 3);
    Cow::Owned(format!("{head}…{}", tail.chars().rev().collect::<String>()))
}

fn take(chars: impl Iterator<Item = char>, limit: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= limit
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_shortened_in_the_middle() {
        let arn = "arn:aws:iam::111122223333:role/mytestrole";
        assert_eq!(shorten(arn, 41), arn);
        assert_eq!(shorten(arn, 25), "arn:aws:…:role/mytestrole");
        for limit in 1..60 {
            assert!(
                columns(&shorten("角色角色角色角色", limit)) <= limit.max(1),
                "{limit}"
            );
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(plain("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(plain("ad\u{202e}nim\u{200b}"), "ad\\u{202e}nim\\u{200b}");
        assert_eq!(plain("grün/角色"), "grün/角色");
    }
}
