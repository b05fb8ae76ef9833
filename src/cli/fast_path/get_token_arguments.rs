//! Normalizes the order of options of `eks get-token`.

use std::ffi::OsString;

/// Moves options of the AWS CLI that precede `eks get-token` after it; other arguments are unchanged. The AWS CLI accepts its common
/// options before, between and after these words, and writes `--region` before them into kubeconfigs.
pub(crate) fn options_last(arguments: Vec<OsString>) -> Vec<OsString> {
    let Some(end) = options_first(&arguments) else {
        return arguments;
    };
    let mut arguments = arguments.into_iter();
    let program = arguments.next();
    let before: Vec<OsString> = arguments.by_ref().take(end).collect();
    let (words, options): (Vec<_>, Vec<_>) = before
        .into_iter()
        .partition(|word| WORDS.iter().any(|known| word == known));
    program
        .into_iter()
        .chain(words)
        .chain(options)
        .chain(arguments)
        .collect()
}

const WORDS: [&str; 2] = ["eks", "get-token"];

/// The index of `get-token` in the arguments if only options of the AWS CLI precede it.
fn options_first(arguments: &[OsString]) -> Option<usize> {
    let mut expected = WORDS.iter();
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
        if !["--region", "--profile", "--output"].contains(&name) {
            return None;
        }
        // A value equal to one of the words would be mistaken for the command.
        if !has_value && WORDS.contains(&rest.next()?.1.to_str()?) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Vec<OsString> {
        let words = std::iter::once("awsauth").chain(words.iter().copied());
        words.map(OsString::from).collect()
    }

    #[test]
    fn only_options_before_get_token_move() {
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
            (&[], &[]),
        ] {
            assert_eq!(options_last(of(given)), of(ordered));
        }
    }
}
