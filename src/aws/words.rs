//! A line's words, as Python's `shlex.split` finds them: that is how botocore reads section names and `credential_process`.

use thiserror::Error;

/// A line that has no words, because a quote or an escape is left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct OpenQuote(&'static str);

/// Splits a line as a POSIX shell would, without comments and without expanding anything.
/// <https://docs.python.org/3/library/shlex.html#shlex.split>
///
/// # Errors
/// When a quote is not closed, or nothing follows a backslash.
pub fn split(line: &str) -> Result<Vec<String>, OpenQuote> {
    split_with(line, &['\'', '"'], true)
}

/// Splits a command line as botocore does: on Windows a backslash belongs to a path, and only double quotes are quotes.
///
/// # Errors
/// As [`split`].
pub(super) fn command(line: &str) -> Result<Vec<String>, OpenQuote> {
    if cfg!(windows) {
        split_with(line, &['"'], false)
    } else {
        split(line)
    }
}

fn split_with(line: &str, quotes: &[char], escapes: bool) -> Result<Vec<String>, OpenQuote> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' if escapes => {
                let next = rest.next();
                let next = next.ok_or(OpenQuote("nothing follows the last backslash"))?;
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

/// What stands up to the closing quote. Between double quotes a backslash escapes a quote and itself, and else is one.
fn quoted(
    quote: char,
    rest: &mut std::str::Chars,
    escapes: bool,
    word: &mut String,
) -> Result<(), OpenQuote> {
    let open = || OpenQuote("a quote is not closed");
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
    fn words_are_those_that_shlex_finds() {
        // Each checked with Python's shlex.split.
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
