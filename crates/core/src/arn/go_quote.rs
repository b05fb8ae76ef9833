//! Quotes text as Go does.

/// Returns the text in double quotes with Go's escapes, like `%q` in the authenticator's messages.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            _ if is_printable(c) => quoted.push(c),
            '\0'..=' ' | '\x7f' => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            '\u{80}'..='\u{ffff}' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns whether a character is a letter, mark, number, punctuation, symbol or space: what the debug format of the
/// standard library does not escape after a first character.
fn is_printable(c: char) -> bool {
    let mut buffer = ['a'; 2];
    buffer[1] = c;
    let text: String = buffer.iter().collect();
    c == '\'' || text.escape_debug().eq(buffer)
}

#[cfg(test)]
mod tests {
    use super::quote;

    /// The expected strings are what Go's `strconv.Quote` printed.
    #[test]
    fn text_is_quoted_as_in_go() {
        for (text, quoted) in [
            ("a\"b\\c", r#""a\"b\\c""#),
            (
                "\x07\x08\x0c\n\r\t\x0b\0\x7f",
                r#""\a\b\f\n\r\t\v\x00\x7f""#,
            ),
            (
                "é😀\u{a0}\u{200b}\u{feff}\u{301}x\u{e0001}",
                "\"é😀\\u00a0\\u200b\\ufeff\u{301}x\\U000e0001\"",
            ),
            ("İ\u{fffd}' ", "\"İ\u{fffd}' \""),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }
}
