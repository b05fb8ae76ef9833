//! Generates docs/cli.md from the program's help.

use std::fmt::Write;
use std::path::Path;

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
    let mut root = super::command(Program::Awsauth).term_width(100);
    root.build();
    let mut root = root.mut_subcommands(hide_global);
    let mut text = String::from(
        "# Command line\n\nGenerated from the program's help with `UPDATE_DOCS=1 cargo test --bin awsauth reference`. The options under\n\"Options for every command\", \"for a manifest file\", \"for a cluster\" and \"for AWS credentials\" work with every command and are listed once.\n",
    );
    section(&mut root, &mut text);
    text
}

/// Hides global options from subcommands, because the page lists them once.
fn hide_global(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            if arg.is_global_set() {
                arg.hide(true)
            } else {
                arg
            }
        })
        .mut_subcommands(hide_global)
}

fn section(command: &mut clap::Command, text: &mut String) {
    let title = command
        .get_bin_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned();
    let help = command.render_long_help().to_string();
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
        section(child, text);
    }
}
