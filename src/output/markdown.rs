//! Markdown.

use awsauth_core::escape::one_line;

/// Escapes text for a table cell, so that it cannot change the table, or become a tag or a link.
pub(super) fn cell(text: &str) -> String {
    let text = one_line(text);
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            // GitHub makes links of these without any markup: https://github.github.com/gfm/#autolinks-extension-
            ':' if text[at..].starts_with("://") => escaped.push_str("&#58;"),
            ':' if has_scheme(&text[..at]) => escaped.push_str("&#58;"),
            '@' => escaped.push_str("&#64;"),
            '.' if ends_with(&text[..at], "www") => escaped.push_str("&#46;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns whether the text ends with a scheme that GitHub makes a link of even without slashes.
fn has_scheme(text: &str) -> bool {
    ["mailto", "xmpp"]
        .iter()
        .any(|scheme| ends_with(text, scheme))
}

/// Returns whether the string ends with a word, ignoring case. Does not inspect the rest of the string.
fn ends_with(text: &str, word: &str) -> bool {
    let start = text.len().checked_sub(word.len());
    let end = start.and_then(|start| text.as_bytes().get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_a_link() {
        assert_eq!(
            cell("https://a www.b c@d.example mailto:e xmpp:f g:h"),
            "https&#58;//a www&#46;b c&#64;d.example mailto&#58;e xmpp&#58;f g:h"
        );
    }

    #[test]
    fn markdown_characters_are_escaped() {
        let escaped = cell("<b>|`a`\n[x](y)");
        assert_eq!(escaped, "&lt;b&gt;\\|\\`a\\`\\\\n\\[x\\](y)");
    }
}
