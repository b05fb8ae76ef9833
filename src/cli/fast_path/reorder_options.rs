//! Puts the options of other tools' commands after the command's words.

use std::ffi::OsString;

/// A command of another tool that accepts options before its words.
struct Form {
    words: &'static [&'static str],
    /// The options that may precede the words. Each has a value.
    options: &'static [&'static str],
}

/// The AWS CLI accepts its common options before, between and after the words, and writes `--region` before them into kubeconfigs.
const COMMON: &[&str] = &["--region", "--profile", "--output"];

const FORMS: [Form; 3] = [
    Form {
        words: &["eks", "get-token"],
        options: COMMON,
    },
    Form {
        words: &["eks", "update-kubeconfig"],
        options: COMMON,
    },
    // aws-iam-authenticator accepts options with a value before the word.
    Form {
        words: &["token"],
        options: &[
            "--cluster-id",
            "--config",
            "--external-id",
            "--feature-gates",
            "--log-format",
            "--log-verbosity",
            "--region",
            "--role",
            "--session-name",
            "-c",
            "-e",
            "-i",
            "-l",
            "-r",
            "-s",
            "-v",
        ],
    },
];

/// The values of aws-iam-authenticator's `-v`, which in awsauth has no value.
const LEVELS: [&str; 7] = [
    "panic", "fatal", "error", "warning", "info", "debug", "trace",
];

/// Moves options that precede the words of another tool's command after them, and gives `-v LEVEL` its long name; other arguments
/// are unchanged.
pub(crate) fn as_expected(mut arguments: Vec<OsString>) -> Vec<OsString> {
    for form in &FORMS {
        if let Some(end) = form.options_first(&arguments) {
            arguments = form.options_last(arguments, end);
        }
    }
    if arguments.get(1).is_some_and(|word| word == "token") {
        for at in 2..arguments.len() {
            let has_level = |value: &OsString| LEVELS.iter().any(|level| value == level);
            if arguments[at] == "-v" && arguments.get(at + 1).is_some_and(has_level) {
                arguments[at] = "--log-verbosity".into();
            }
        }
    }
    arguments
}

impl Form {
    fn options_last(&self, arguments: Vec<OsString>, end: usize) -> Vec<OsString> {
        let mut arguments = arguments.into_iter();
        let program = arguments.next();
        let before: Vec<OsString> = arguments.by_ref().take(end).collect();
        let (words, options): (Vec<_>, Vec<_>) = before
            .into_iter()
            .partition(|word| self.words.iter().any(|known| word == known));
        program
            .into_iter()
            .chain(words)
            .chain(options)
            .chain(arguments)
            .collect()
    }

    /// The index of the last word in the arguments if only these options precede it.
    fn options_first(&self, arguments: &[OsString]) -> Option<usize> {
        let mut expected = self.words.iter();
        let mut next = expected.next()?;
        let mut rest = arguments.iter().enumerate().skip(1);
        let mut moves = false;
        while let Some((at, word)) = rest.next() {
            let word = word.to_str()?;
            if word == *next {
                match expected.next() {
                    Some(word) => next = word,
                    None => return moves.then_some(at),
                }
                continue;
            }
            moves = true;
            let (name, has_value) = match word.split_once('=') {
                Some((name, _)) => (name, true),
                None => (word, false),
            };
            if !self.options.contains(&name) {
                return None;
            }
            if !has_value {
                let value = rest.next()?.1.to_str()?;
                // A value equal to one of the words would be mistaken for the command.
                if self.words.contains(&value) || (name == "-v" && !LEVELS.contains(&value)) {
                    return None;
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Vec<OsString> {
        let words = std::iter::once("awsauth").chain(words.iter().copied());
        words.map(OsString::from).collect()
    }

    #[test]
    fn only_options_before_the_words_move() {
        for (given, ordered) in [
            (
                &["--region", "r", "eks", "get-token", "--cluster-name", "c"][..],
                &["eks", "get-token", "--region", "r", "--cluster-name", "c"][..],
            ),
            (
                &["--region=r", "eks", "--profile", "p", "get-token"],
                &["eks", "get-token", "--region=r", "--profile", "p"],
            ),
            (
                &["eks", "get-token", "--region", "r"],
                &["eks", "get-token", "--region", "r"],
            ),
            (
                &["--region", "eks", "get-token"],
                &["--region", "eks", "get-token"],
            ),
            (&["--region", "r", "get"], &["--region", "r", "get"]),
            (
                &["--file", "f", "eks", "get-token"],
                &["--file", "f", "eks", "get-token"],
            ),
            (&["--region"], &["--region"]),
            (
                &["-i", "c", "-l=json", "--role", "r", "token", "--token-only"],
                &["token", "-i", "c", "-l=json", "--role", "r", "--token-only"],
            ),
            (
                &["-v", "info", "token", "-v", "debug", "-i", "c"],
                &[
                    "token",
                    "--log-verbosity",
                    "info",
                    "--log-verbosity",
                    "debug",
                    "-i",
                    "c",
                ],
            ),
            (&["-v", "token", "-i", "c"], &["-v", "token", "-i", "c"]),
            (&["token", "-v", "-i", "c"], &["token", "-v", "-i", "c"]),
            (&["-i", "token", "-i", "c"], &["-i", "token", "-i", "c"]),
            (
                &["--profile", "p", "eks", "update-kubeconfig", "--name", "c"],
                &["eks", "update-kubeconfig", "--profile", "p", "--name", "c"],
            ),
            (&[], &[]),
        ] {
            assert_eq!(as_expected(of(given)), of(ordered));
        }
    }
}
