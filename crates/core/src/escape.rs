//! Escapes characters that a reader cannot see.
//!
//! Usernames, ARNs, file names and messages of servers come from other users. Without escapes, they could control a
//! terminal, hide a part of themselves, or look like another text.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_general_category::{GeneralCategory, get_general_category};

/// Returns whether a character is not visible as itself:
///
/// - Control characters, format characters (which include all that change the direction of text, and tags), and line and
///   paragraph separators: the general categories Cc, Cf, Zl and Zp of <https://www.unicode.org/reports/tr44/#General_Category_Values>.
///   Surrogates (Cs) do not occur in Rust's texts.
/// - Characters of other categories without a glyph, such as variation selectors and Hangul fillers:
///   `Default_Ignorable_Code_Point` of <https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt>.
/// - Noncharacters, some of which XML does not allow.
pub fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let is_ignorable = matches!(
        c,
        '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2065}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    let is_noncharacter = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    is_ignorable
        || is_noncharacter
        || matches!(
            get_general_category(c),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
}

/// Returns the text on one line, with invisible characters as `\u{…}`, and line breaks and tabs as `\n`, `\r` and `\t`.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false, rust)
}

/// Escapes as [`one_line`] does, but keeps line feeds.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\n', rust)
}

/// Escapes invisible characters in a JSON text as `\uXXXX`. Its values stay the same, because JSON can only have such
/// characters in strings.
pub fn json(text: &str) -> Cow<'_, str> {
    escaped(text, is_json_space, |c, shown| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(shown, "\\u{unit:04x}");
        }
    })
}

/// Escapes invisible characters in a JSON text as [`json`] does, but so that YAML can read it, too: YAML has no surrogate
/// pairs.
pub fn json_for_yaml(text: &str) -> Cow<'_, str> {
    escaped(text, is_json_space, |c, shown| {
        let _ = match u32::from(c) {
            code @ 0..=0xffff => write!(shown, "\\u{code:04x}"),
            code => write!(shown, "\\U{code:08x}"),
        };
    })
}

fn is_json_space(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t')
}

/// Appends an escape as Rust writes it.
fn rust(c: char, shown: &mut String) {
    match c {
        '\n' | '\t' | '\r' => shown.extend(c.escape_default()),
        c => shown.extend(c.escape_unicode()),
    }
}

fn escaped(text: &str, keeps: fn(char) -> bool, escape: fn(char, &mut String)) -> Cow<'_, str> {
    let is_kept = |c| keeps(c) || !is_invisible(c);
    let Some(first) = text.find(|c| !is_kept(c)) else {
        return Cow::Borrowed(text);
    };
    let mut shown = String::with_capacity(text.len() + 8);
    shown.push_str(&text[..first]);
    for c in text[first..].chars() {
        match is_kept(c) {
            true => shown.push(c),
            false => escape(c, &mut shown),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_escaped() {
        for c in [
            '\0',
            '\u{7}',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{ffff}',
            '\u{1d173}',
            '\u{e0041}',
            '\u{e01ef}',
            '\u{10fffe}',
        ] {
            let text = format!("a{c}b");
            assert_eq!(one_line(&text), format!("a\\u{{{:x}}}b", u32::from(c)));
            assert_eq!(lines(&text), one_line(&text));
            let quoted = format!("\"{text}\"");
            let json = json(&quoted);
            assert!(json.is_ascii() && json.contains("\\u"), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
            let yaml = json_for_yaml(&quoted);
            assert_eq!(serde_yaml::from_str::<String>(&yaml).expect("YAML"), text);
        }
        for visible in ["", "grün/角色", "👩", "مرحبا", "a b", "€"] {
            assert!(matches!(one_line(visible), Cow::Borrowed(text) if text == visible));
        }
    }

    #[test]
    fn line_breaks_are_escaped_or_kept() {
        assert_eq!(one_line("a\r\n\tb"), "a\\r\\n\\tb");
        assert_eq!(lines("a\r\n\tb"), "a\\r\n\\tb");
        assert_eq!(
            json("{\n\t\"a\u{2028}\": 1\r\n}"),
            "{\n\t\"a\\u2028\": 1\r\n}"
        );
    }
}
