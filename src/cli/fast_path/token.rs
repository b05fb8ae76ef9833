//! Parses plain `token` and `eks get-token` arguments without clap.

use std::ffi::OsString;

use crate::commands::token::Request;

/// Parses plain token arguments without clap. kubectl requests tokens often, and building the clap command takes longer than signing.
/// Returns `None` for arguments that are unknown here or may be invalid; clap parses those.
pub(crate) fn read(arguments: &[OsString]) -> Option<Request> {
    // Any AWSAUTH_ variable may change the request.
    let ours = |(name, _): (OsString, OsString)| name.as_encoded_bytes().starts_with(b"AWSAUTH_");
    let request = plain(arguments)?;
    (!std::env::vars_os().any(ours)).then_some(request)
}

/// The request field that an option sets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Cluster,
    Output,
    Profile,
    Region,
    Role,
}

fn plain(arguments: &[OsString]) -> Option<Request> {
    let words: Option<Vec<&str>> = arguments.iter().skip(1).map(|word| word.to_str()).collect();
    let (options, is_ours) = match words.as_deref()? {
        ["token", options @ ..] => (options, true),
        ["eks", "get-token", options @ ..] => (options, false),
        _ => return None,
    };
    let (pairs, rest) = options.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let mut request = Request::default();
    let mut seen = Vec::with_capacity(pairs.len());
    for [name, value] in pairs {
        if value.is_empty() || value.starts_with(['-', '=']) {
            return None;
        }
        let field = match *name {
            "--cluster-name" | "--cluster-id" => Field::Cluster,
            "-i" if is_ours => Field::Cluster,
            "--role-arn" | "--role" => Field::Role,
            "-r" if is_ours => Field::Role,
            "--profile" => Field::Profile,
            "--region" => Field::Region,
            "--output" if !is_ours && *value == "json" => Field::Output,
            _ => return None,
        };
        // Only awsauth's own command accepts several roles (role chaining).
        if seen.contains(&field) && !(is_ours && field == Field::Role) {
            return None;
        }
        seen.push(field);
        let value = (*value).to_owned();
        match field {
            Field::Cluster => {
                request.is_of_authenticator = is_ours && *name != "--cluster-name";
                request.cluster = value;
            }
            Field::Output => {}
            Field::Profile => request.credential_options.profile = Some(value),
            Field::Region => request.credential_options.region = Some(value),
            Field::Role => request.credential_options.roles.push(value),
        }
    }
    (!request.cluster.is_empty()).then_some(request)
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;
    use clap::builder::Resettable;
    use proptest::prelude::*;

    use super::*;
    use crate::cli::command;
    use crate::cli::fast_path::reorder_options::as_expected;
    use crate::cli::tree::{Cli, Command};
    use crate::commands::eks;
    use crate::terminal::Program;

    fn of(words: &[&str]) -> Vec<OsString> {
        std::iter::once("awsauth")
            .chain(words.iter().copied())
            .map(OsString::from)
            .collect()
    }

    /// Parses with clap, independent of the test's environment.
    fn parsed_by_clap(arguments: &[OsString]) -> Option<Request> {
        fn without_environment(command: clap::Command) -> clap::Command {
            command
                .mut_args(|arg| arg.env(Resettable::Reset))
                .mut_subcommands(without_environment)
        }
        let matches = without_environment(command(Program::AWSAUTH))
            .try_get_matches_from(arguments)
            .ok()?;
        let Cli {
            target, command, ..
        } = Cli::from_arg_matches(&matches).ok()?;
        match command {
            Command::Token(args) => {
                let (_, own) = matches.subcommand()?;
                args.request(&target.identity, own).ok()
            }
            Command::Eks(eks::Args {
                command: eks::Command::GetToken(args),
            }) => Some(args.request(&target.identity)),
            _ => None,
        }
    }

    const VOCABULARY: [&str; 30] = [
        "token",
        "eks",
        "get-token",
        "-i",
        "--cluster-name",
        "--cluster-id",
        "-r",
        "--role-arn",
        "--role",
        "--region",
        "--profile",
        "--output",
        "json",
        "text",
        "c",
        "arn:aws:iam::111122223333:role/a",
        "us-east-1",
        "",
        "-",
        "--",
        "=x",
        "-x",
        "--token-only",
        "-q",
        "--region=x",
        "é b",
        "-l",
        "--cache",
        "-v",
        "info",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn fast_path_parses_the_same_request_as_clap(
            ours in any::<bool>(),
            words in proptest::collection::vec(proptest::sample::select(&VOCABULARY[..]), 0..7),
            pairs in proptest::collection::vec(
                (proptest::sample::select(&VOCABULARY[3..12]), proptest::sample::select(&VOCABULARY[12..])), 0..4),
        ) {
            let command: &[&str] = if ours { &["token"] } else { &["eks", "get-token"] };
            let pairs: Vec<&str> = pairs.iter().flat_map(|(name, value)| [*name, *value]).collect();
            for arguments in [of(&words), of(&[command, &pairs].concat()), of(&[&words, command, &pairs].concat())] {
                let arguments = as_expected(arguments);
                if let Some(early) = plain(&arguments) {
                    let late = parsed_by_clap(&arguments);
                    prop_assert_eq!(format!("{:?}", Some(early)), format!("{:?}", late), "{:?}", arguments);
                }
            }
        }
    }

    #[test]
    fn kubeconfig_exec_arguments_take_the_fast_path() {
        for words in [
            &["token", "-i", "c"][..],
            &["token", "-i", "c", "-r", "arn:aws:iam::111122223333:role/a"],
            &["token", "--cluster-name", "c", "--region", "us-east-1"],
            &[
                "--region",
                "us-east-1",
                "eks",
                "get-token",
                "--cluster-name",
                "c",
                "--output",
                "json",
            ],
            &[
                "--region",
                "us-east-1",
                "eks",
                "get-token",
                "--cluster-name",
                "c",
                "--output",
                "json",
                "--role",
                "arn:aws:iam::111122223333:role/a",
            ],
            &[
                "eks",
                "get-token",
                "--output",
                "json",
                "--cluster-name",
                "c",
                "--region",
                "us-east-1",
                "--role-arn",
                "arn:aws:iam::111122223333:role/a",
            ],
        ] {
            let arguments = as_expected(of(words));
            let early = plain(&arguments);
            assert!(early.is_some(), "{words:?}");
            assert_eq!(
                format!("{early:?}"),
                format!("{:?}", parsed_by_clap(&arguments))
            );
        }
    }

    #[test]
    fn aws_iam_authenticator_options_are_accepted() {
        let ours = [
            "token",
            "--cluster-id",
            "c",
            "--role-arn",
            "a",
            "--external-id",
            "x",
            "--role-session-name",
            "n",
        ];
        let expected = format!("{:?}", parsed_by_clap(&of(&ours)));
        assert!(expected.contains("Some"), "{expected}");
        for theirs in [
            "token -i c -r a -e x -s n",
            "token -i c --role a --external-id x --session-name n",
            "-i c -l json token --role a -e x -s n --cache",
            "token -i=c -r=a -e=x -s=n --cache=false -v debug --feature-gates SSORoleMatch=true",
            "--log-format=text --role a token --log-verbosity warning --cluster-id c -e x -s n",
        ] {
            let words: Vec<&str> = theirs.split(' ').collect();
            let arguments = as_expected(of(&words));
            assert_eq!(
                format!("{:?}", parsed_by_clap(&arguments)),
                expected,
                "{theirs}"
            );
        }
    }
}
