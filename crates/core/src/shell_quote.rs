//! Quoting of commands that users can paste.

use crate::escape::{has_log_command, is_invisible};

/// Quotes a word for a POSIX shell, if it needs quotes. The result has no invisible characters: if the word has some, or a command
/// for the log of a CI system, the shell calls `printf` with their octal codes. `\n` remains only at the end of a word, because
/// `$(…)` removes it there. A shell cannot pass `\0`, and removes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if has_log_command(word) || word.chars().any(is_invisible) {
        return by_printf(word);
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn by_printf(word: &str) -> String {
    let text = word.trim_end_matches('\n');
    let mut format = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            '%' => format.push_str("%%"),
            '\\' => format.push_str(r"\\"),
            // `-` would begin an option, `::` and `##[` a command for a log.
            '-' | ':' if at == 0 => push_octal(c, &mut format),
            // An interactive shell expands `!` between double quotes, even in `$(…)`.
            '\'' | '#' | '!' => push_octal(c, &mut format),
            c if is_invisible(c) => push_octal(c, &mut format),
            c => format.push(c),
        }
    }
    format!("\"$(printf '{format}'){}\"", &word[text.len()..])
}

/// Adds the bytes of a character as escape sequences of `printf`:
/// <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/printf.html>
fn push_octal(c: char, format: &mut String) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        format.push_str(&format!("\\{byte:03o}"));
    }
}
