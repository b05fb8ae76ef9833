//! Escapes characters that a reader cannot see.
//!
//! Other users can choose usernames, ARNs, file names and messages of servers. Unescaped, such a string could control the
//! terminal, hide part of itself, or look like a different string.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_general_category::{GeneralCategory, get_general_category};

/// Returns whether a character is invisible. Invisible characters are:
///
/// - Control characters, format characters (including bidirectional controls and tag characters), and line and paragraph
///   separators: the general categories Cc, Cf, Zl and Zp of <https://www.unicode.org/reports/tr44/#General_Category_Values>.
///   A `char` is never a surrogate (Cs).
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

/// Escapes what the log of a CI system interprets as a command: `::` at the start of a line, even after white space and style
/// sequences, and `##[`, `##vso[`, `##octopus[` or `##teamcity[` anywhere.
///
/// Sources: GitHub's [`ActionCommand.cs`](https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs),
/// [Azure Pipelines](https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands),
/// [Octopus Deploy](https://octopus.com/docs/deployments/custom-scripts/logging-messages-in-scripts) and
/// [TeamCity](https://www.jetbrains.com/help/teamcity/service-messages.html).
pub fn without_log_commands(text: &str) -> Cow<'_, str> {
    if !has_log_command(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        let (start, rest) = line.split_at(indentation(line));
        shown.push_str(start);
        let rest = match rest.strip_prefix("::") {
            Some(rest) => {
                shown.push_str("\\u{3a}:");
                rest
            }
            None => rest,
        };
        push_without_marks(rest, "\\u{23}", &mut shown);
    }
    Cow::Owned(shown)
}

/// Returns whether the log of a CI system would interpret a part of the text as a command.
pub fn has_log_command(text: &str) -> bool {
    let begins = |line: &str| line[indentation(line)..].starts_with("::");
    text.contains("##") && marks(text).next().is_some()
        || text.contains("::") && text.split('\n').any(begins)
}

/// Returns the length of the white space and the style sequences (such as `ESC[32m`) at the start of a line.
fn indentation(line: &str) -> usize {
    let mut rest = line.trim_start();
    while let Some((_, after)) = rest
        .strip_prefix("\u{1b}[")
        .and_then(|rest| rest.split_once('m'))
    {
        rest = after.trim_start();
    }
    line.len() - rest.len()
}

/// Returns the offsets of the second `#` of each `##WORD[`.
fn marks(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices('#').filter_map(|(at, _)| {
        let rest = text[at..].strip_prefix("##")?;
        let word = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        word.starts_with('[').then_some(at + 1)
    })
}

fn push_without_marks(text: &str, escape: &str, shown: &mut String) {
    let mut copied = 0;
    for at in marks(text) {
        shown.push_str(&text[copied..at]);
        shown.push_str(escape);
        copied = at + 1;
    }
    shown.push_str(&text[copied..]);
}

/// Escapes invisible characters in a JSON text as `\uXXXX`, and the `##` of what the log of a CI system interprets as a command.
/// The values stay the same, because JSON allows these characters only in strings.
pub fn json(text: &str) -> Cow<'_, str> {
    let shown = escaped(text, is_json_space, |c, shown| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(shown, "\\u{unit:04x}");
        }
    });
    without_marks(shown, "\\u0023")
}

/// Escapes a JSON text as [`json`] does, but for YAML, which has no surrogate pairs. The result is still JSON unless it contains
/// an escape of a character beyond U+FFFF.
pub fn json_for_yaml(text: &str) -> Cow<'_, str> {
    let shown = escaped(text, is_json_space, |c, shown| {
        let _ = match u32::from(c) {
            code @ 0..=0xffff => write!(shown, "\\u{code:04x}"),
            code => write!(shown, "\\U{code:08x}"),
        };
    });
    without_marks(shown, "\\u0023")
}

/// Escapes what the log of a CI system interprets as a command in HTML or XML. Does not escape `::`, so no such string may be at
/// the start of a line.
pub fn html(text: String) -> String {
    without_marks(text.into(), "&#35;").into_owned()
}

fn without_marks<'t>(text: Cow<'t, str>, escape: &str) -> Cow<'t, str> {
    if marks(&text).next().is_none() {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 8);
    push_without_marks(&text, escape, &mut shown);
    Cow::Owned(shown)
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
    fn log_commands_are_escaped() {
        for (text, shown) in [
            ("::error::x", "\\u{3a}:error::x"),
            ("a\n \t::error::x\nb", "a\n \t\\u{3a}:error::x\nb"),
            ("\u{1b}[32m::error::x", "\u{1b}[32m\\u{3a}:error::x"),
            ("a ##[error]x ##[b]", "a #\\u{23}[error]x #\\u{23}[b]"),
            ("###[error]x", "##\\u{23}[error]x"),
            ("##octopus[setVariable]", "#\\u{23}octopus[setVariable]"),
            ("##vso[task]", "#\\u{23}vso[task]"),
        ] {
            assert_eq!(without_log_commands(text), shown);
        }
        for kept in [
            "a ::b",
            "arn:aws:iam::111122223333:role/x",
            "## heading [link]",
            "#[x]",
            "##1[",
            "a\n\n",
        ] {
            assert!(
                matches!(without_log_commands(kept), Cow::Borrowed(_)),
                "{kept}"
            );
        }
        let text = "{\"a\": \"##[b]\"}";
        assert_eq!(json(text), "{\"a\": \"#\\u0023[b]\"}");
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
