//! Checks that the command lines in help and in docs/peers.md parse.

use std::ffi::OsString;

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
    let root = command(Program::Awsauth);
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

/// Parses each command of awsauth in a line of a shell, and returns how many there are.
fn parse_all(line: &str) -> usize {
    let commands = commands_in(line);
    for command in &commands {
        let parsed = super::command(Program::Awsauth).try_get_matches_from(command);
        assert_eq!(parsed.err().map(|error| error.to_string()), None, "{line}");
    }
    commands.len()
}

/// Returns the commands of awsauth in a line of a shell, each as its words.
fn commands_in(line: &str) -> Vec<Vec<OsString>> {
    let starts = line.match_indices("awsauth ").map(|(at, _)| at);
    let starts = starts.filter(|at| *at == 0 || line[..*at].ends_with([' ', '(']));
    starts.map(|at| words(&line[at..])).collect()
}

/// Returns the words of the first command in a line of a shell.
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
