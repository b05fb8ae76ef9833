use std::fmt::Write;

use crate::edge::Program;

/// The reference of all commands and options in Markdown, as docs/cli.md holds it.
pub fn reference() -> String {
    let mut root = super::command(Program::Awsauth).term_width(100);
    root.build();
    let mut root = root.mut_subcommands(hide_global);
    let mut text = String::from(
        "# Command line\n\nMade from the program's own help; `UPDATE_DOCS=1 cargo test --test docs` writes it anew. Options under\n\"Options for every command\", \"for a manifest file\", \"for a cluster\" and \"for AWS credentials\" work with every command and are listed once.\n",
    );
    section(&mut root, &mut text);
    text
}

/// Every command has the global options; once is enough on one page.
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
