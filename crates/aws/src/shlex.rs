//! Splits lines as Python's `shlex.split` does, because botocore uses it for section names and `credential_process`.
//! The `shlex` crate treats `#` as the start of a comment, and handles escapes inside double quotes differently.

use thiserror::Error;

/// A line that cannot be split, because a quote or an escape is left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct UnclosedQuote(&'static str);

/// Splits a line as a POSIX shell would, without comments and without expansion.
/// <https://docs.python.org/3/library/shlex.html#shlex.split>
///
/// # Errors
/// If a quote is not closed, or nothing follows a backslash.
pub(crate) fn split(line: &str) -> Result<Vec<String>, UnclosedQuote> {
    split_with(line, &['\'', '"'], true)
}

/// Splits a command line as botocore does. On Windows, a backslash is an ordinary character, and only double quotes
/// count as quotes.
///
/// # Errors
/// Same as [`split`].
pub(super) fn split_command(line: &str) -> Result<Vec<String>, UnclosedQuote> {
    if cfg!(windows) {
        split_with(line, &['"'], false)
    } else {
        split(line)
    }
}

fn split_with(line: &str, quotes: &[char], escapes: bool) -> Result<Vec<String>, UnclosedQuote> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' if escapes => {
                let next = rest.next();
                let next = next.ok_or(UnclosedQuote("nothing follows the last backslash"))?;
                word.get_or_insert_default().push(next);
            }
            quote if quotes.contains(&quote) => {
                quoted(quote, &mut rest, escapes, word.get_or_insert_default())?;
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Appends the text up to the closing quote. Inside double quotes, a backslash escapes a double quote or another
/// backslash, and is literal otherwise.
fn quoted(
    quote: char,
    rest: &mut std::str::Chars,
    escapes: bool,
    word: &mut String,
) -> Result<(), UnclosedQuote> {
    let open = || UnclosedQuote("a quote is not closed");
    loop {
        match rest.next().ok_or_else(open)? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' && escapes => {
                let next = rest.next().ok_or_else(open)?;
                if !['"', '\\'].contains(&next) {
                    word.push('\\');
                }
                word.push(next);
            }
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_by_shlex() {
        // Each case was checked with Python's shlex.split.
        for (line, expected) in [
            ("", vec![]),
            ("  profile   x ", vec!["profile", "x"]),
            ("profile \"a b\"", vec!["profile", "a b"]),
            ("a\"b c\"'d e'f", vec!["ab cd ef"]),
            ("'' \"\"", vec!["", ""]),
            (r"a\ b \'", vec!["a b", "'"]),
            (r#""a\"b\\c\d""#, vec![r#"a"b\c\d"#]),
            (r"'a\'", vec![r"a\"]),
            ("run # no comment", vec!["run", "#", "no", "comment"]),
            ("a;b|c&d", vec!["a;b|c&d"]),
            ("a\u{a0}b", vec!["a\u{a0}b"]),
        ] {
            assert_eq!(split(line).unwrap(), expected, "{line}");
        }
        for line in ["'a", "\"a", "a\\", "\"a\\"] {
            assert!(split(line).is_err(), "{line}");
        }
    }
}
