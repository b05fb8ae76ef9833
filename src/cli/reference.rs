//! Generates docs/cli.md from the program's help.

use std::fmt::Write;
use std::path::Path;

use super::help;
use crate::terminal::Program;

#[test]
fn reference_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let reference = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &reference).expect("docs/cli.md is writable");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == reference,
        "docs/cli.md is out of date: UPDATE_DOCS=1 cargo test --bin awsauth reference"
    );
}

/// Returns all commands and options as Markdown.
fn reference() -> String {
    let command = super::command(Program::AWSAUTH);
    let shared = crate::commands::options::list(&command.clone().term_width(100));
    let mut root = help::without_shared_options(command, Program::AWSAUTH).term_width(100);
    root.build();
    let mut text = String::from(
        "# Command line\n\nGenerated from the program's help with `UPDATE_DOCS=1 cargo test --bin awsauth reference`. The\noptions that every command has are listed [once](#awsauth-options).\n",
    );
    section(&mut root, &shared, &mut text);
    text
}

fn section(command: &mut clap::Command, shared: &str, text: &mut String) {
    let title = command
        .get_bin_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned();
    let help = match command.get_name() {
        "options" => shared.to_owned(),
        _ => command.render_long_help().to_string(),
    };
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(
        text,
        "\n## {title}\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    );
    for child in command
        .get_subcommands_mut()
        .filter(|child| !child.is_hide_set() && child.get_name() != "help")
    {
        section(child, shared, text);
    }
}
