//! Shell commands that users can paste.

use awsauth_core::shell_quote::quoted;

/// Formats a command and its arguments for a POSIX shell.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(quoted).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use awsauth_core::escape::is_invisible;

    #[test]
    fn a_shell_parses_the_quoted_command_unchanged() {
        assert_eq!(
            command_line(["sh", "-c", "echo no creds >&2; exit 255"]),
            "sh -c 'echo no creds >&2; exit 255'"
        );
        let words = [
            "printf",
            "%s|",
            "",
            "it's",
            "$HOME `x` \"y\"",
            "a\\b\nc",
            "~",
            "#",
            "k=v",
            "::error::x",
            "a ##[error]x",
            "-\u{1b}[2J%s\\n'\"$HOME \u{7f}\u{9b}7",
            "\u{202e}nimda\u{feff}\u{e0041}é",
            "\r\n\n",
        ];
        let line = command_line(words);
        assert!(
            !line.trim_end_matches("\n\n\"").contains(is_invisible),
            "{line}"
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &line])
            .output()
            .unwrap();
        let expected = words[2..].join("|") + "|";
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}
