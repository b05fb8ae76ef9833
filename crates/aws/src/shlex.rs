//! Splits lines as botocore does: section names and `credential_process` with Python's `shlex.split`, and `credential_process` on
//! Windows by the rules of the Windows C runtime. The `shlex` crate treats `#` as the start of a comment, and handles escapes inside
//! double quotes differently.

use thiserror::Error;

/// A line that cannot be split, because a quote is not closed or the line ends with a backslash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct UnclosedQuote(&'static str);

const NOT_CLOSED: UnclosedQuote = UnclosedQuote("a quote is not closed");

/// Splits a line as Python's `shlex.split` does: into words, with quotes and escapes, without comments.
/// <https://docs.python.org/3/library/shlex.html#shlex.split>
///
/// # Errors
/// If a quote is not closed, or nothing follows a backslash.
pub(crate) fn split(line: &str) -> Result<Vec<String>, UnclosedQuote> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => {
                let next = rest.next();
                let next = next.ok_or(UnclosedQuote("nothing follows the last backslash"))?;
                word.get_or_insert_default().push(next);
            }
            '\'' | '"' => quoted(c, &mut rest, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Splits a command line as botocore does: on Windows with [`split_windows`], elsewhere with [`split`].
///
/// # Errors
/// If a quote is not closed, or, except on Windows, nothing follows a backslash.
pub(super) fn split_command(line: &str) -> Result<Vec<String>, UnclosedQuote> {
    if cfg!(windows) {
        split_windows(line)
    } else {
        split(line)
    }
}

/// Splits a command line at spaces and tabs outside double quotes. Backslashes are literal, unless a double quote follows them:
/// then two are one literal backslash, and a remaining one makes the quote literal.
/// <https://github.com/boto/botocore/blob/1.44.5/botocore/compat.py>
///
/// # Errors
/// If a double quote is not closed.
fn split_windows(line: &str) -> Result<Vec<String>, UnclosedQuote> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut backslashes = 0;
    for c in line.chars() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        let pending = std::mem::take(&mut backslashes);
        let literal = if c == '"' { pending / 2 } else { pending };
        if pending > 0 {
            word.get_or_insert_default().push_str(&"\\".repeat(literal));
        }
        match c {
            '"' if pending % 2 == 0 => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if is_quoted {
        return Err(NOT_CLOSED);
    }
    if backslashes > 0 {
        word.get_or_insert_default()
            .push_str(&"\\".repeat(backslashes));
    }
    words.extend(word);
    Ok(words)
}

/// Appends the text up to the closing quote. Inside double quotes, a backslash escapes a double quote or another
/// backslash, and is literal otherwise.
fn quoted(quote: char, rest: &mut std::str::Chars, word: &mut String) -> Result<(), UnclosedQuote> {
    loop {
        match rest.next().ok_or(NOT_CLOSED)? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => {
                let next = rest.next().ok_or(NOT_CLOSED)?;
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

    #[test]
    fn windows_command_lines_are_split_as_by_botocore() {
        // Each case was checked with botocore's _windows_shell_split.
        for (line, expected) in [
            ("", vec![]),
            (" a\tb  ", vec!["a", "b"]),
            (r"C:\bin\tool.exe --x", vec![r"C:\bin\tool.exe", "--x"]),
            (r#""C:\my tools\t.exe" x"#, vec![r"C:\my tools\t.exe", "x"]),
            (r#"a\"b c"#, vec![r#"a"b"#, "c"]),
            (r#""a\"b c""#, vec![r#"a"b c"#]),
            (r#""a\\" b"#, vec![r"a\", "b"]),
            (r#""a\\\"" b"#, vec![r#"a\""#, "b"]),
            (r"a\\ \", vec![r"a\\", r"\"]),
            ("'a b'", vec!["'a", "b'"]),
            ("\"\" a", vec!["", "a"]),
            ("a\nb\r", vec!["a\nb\r"]),
        ] {
            assert_eq!(split_windows(line).unwrap(), expected, "{line}");
        }
        for line in ["\"a", r#""a\""#] {
            assert!(split_windows(line).is_err(), "{line}");
        }
    }
}
