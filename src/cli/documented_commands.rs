//! Checks that the commands in help and in docs/peers.md parse.

use std::ffi::OsString;
use std::path::Path;

use super::command;
use crate::terminal::Program;

/// Calls `see` for a command and its subcommands.
pub(super) fn visit(command: &clap::Command, see: &mut impl FnMut(&clap::Command)) {
    see(command);
    let subcommands = command.get_subcommands();
    subcommands
        .filter(|command| command.get_name() != "help")
        .for_each(|command| visit(command, see));
}

#[test]
fn every_command_has_examples_that_parse() {
    let root = command(Program::AWSAUTH);
    let mut examples = 0;
    visit(&root, &mut |command| {
        let text = command.get_after_help().or(command.get_after_long_help());
        let text = text.map(ToString::to_string).unwrap_or_default();
        let name = command.get_name();
        assert!(text.starts_with("Examples:\n  "), "{name} has no examples");
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
        {
            examples += parse_all(line);
        }
    });
    assert!(examples > 60, "{examples}");
}

/// The commands of other tools that docs/peers.md translates.
const OF_PEERS: [&str; 36] = [
    "aws eks associate-access-policy",
    "aws eks create-access-entry",
    "aws eks delete-access-entry",
    "aws eks describe-access-entry",
    "aws eks disassociate-access-policy",
    "aws eks list-access-entries",
    "aws eks list-associated-access-policies",
    "aws eks update-access-entry",
    "aws eks update-cluster-config",
    "aws eks update-kubeconfig",
    "aws --region eu-west-1 eks get-token",
    "aws-auth get",
    "aws-auth remove --maproles",
    "aws-auth remove --mapusers",
    "aws-auth remove-by-username",
    "aws-auth upsert --maproles",
    "aws-auth upsert --mapusers",
    "aws-auth version",
    "aws-iam-authenticator add role",
    "aws-iam-authenticator add user",
    "aws-iam-authenticator token",
    "aws-iam-authenticator verify",
    "aws-iam-authenticator version",
    "eksctl create accessentry --cluster",
    "eksctl create accessentry --config-file",
    "eksctl create iamidentitymapping --cluster prod --account",
    "eksctl create iamidentitymapping --cluster prod --arn",
    "eksctl create iamidentitymapping --cluster prod --service-name",
    "eksctl create iamidentitymapping --config-file",
    "eksctl delete accessentry",
    "eksctl delete iamidentitymapping --cluster prod --account",
    "eksctl delete iamidentitymapping --cluster prod --arn",
    "eksctl get accessentry",
    "eksctl get iamidentitymapping",
    "eksctl utils migrate-to-access-entry",
    "eksctl utils write-kubeconfig",
];

#[test]
fn commands_of_peers_have_translations_that_parse() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/peers.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let mut translated = Vec::new();
    for block in page.split("```sh\n").skip(1) {
        let block = block.split("```").next().expect("an end");
        for paragraph in block.split("\n\n") {
            let theirs: Vec<&str> = paragraph
                .lines()
                .filter_map(|line| line.strip_prefix("# "))
                .collect();
            let ours = paragraph.lines().filter(|line| !line.starts_with('#'));
            let parsed: usize = ours.map(parse_all).sum();
            assert!(!theirs.is_empty() && parsed > 0, "{paragraph}");
            translated.extend(theirs);
        }
    }
    for command in OF_PEERS {
        let is_translated = translated.iter().any(|line| line.starts_with(command));
        assert!(is_translated, "docs/peers.md does not translate {command}");
    }
    // Typed as awsauth commands, they parse, or the hint does.
    for line in translated {
        let words = words(line).into_iter().skip(1);
        let typed: Vec<OsString> = [OsString::from("awsauth")]
            .into_iter()
            .chain(words)
            .collect();
        let Err(error) = super::command(Program::AWSAUTH).try_get_matches_from(&typed) else {
            continue;
        };
        if let Some(failure) = super::other_tools_commands::failure_of(&error, &typed) {
            let failure = failure.render(Program::AWSAUTH);
            let text = anstream::adapter::strip_str(&failure).to_string();
            let hint = text.lines().find_map(|line| line.strip_prefix("hint: "));
            let is_explained = UNTRANSLATED.iter().any(|flag| line.contains(flag));
            if !is_explained {
                assert_eq!(parse_all(hint.expect("a hint")), 1, "{line}");
            }
        }
    }
}

/// What the hint omits and docs/peers.md describes.
const UNTRANSLATED: [&str; 6] = [
    "--config-file",
    "--type",
    "remove --mapusers --userarn arn:aws:iam::111122223333:user/ann --username",
    "--force",
    "--all",
    "--service-name",
];

/// Parses each awsauth command in a shell line, and returns how many there are.
fn parse_all(line: &str) -> usize {
    let commands = commands_in(line);
    for command in &commands {
        let parsed = super::command(Program::AWSAUTH).try_get_matches_from(command);
        assert_eq!(parsed.err().map(|error| error.to_string()), None, "{line}");
    }
    commands.len()
}

/// Returns the awsauth commands in a shell line, each as its words.
fn commands_in(line: &str) -> Vec<Vec<OsString>> {
    let starts = line.match_indices("awsauth ").map(|(at, _)| at);
    let starts = starts.filter(|at| *at == 0 || line[..*at].ends_with([' ', '(']));
    starts.map(|at| words(&line[at..])).collect()
}

/// Returns the words of the first command in a shell line.
fn words(line: &str) -> Vec<OsString> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '|' | '>' | ')' | ';' | '&') => break,
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().expect("a word").push(c),
        }
    }
    let words = words.into_iter().filter(|word| !word.is_empty());
    words.map(OsString::from).collect()
}
