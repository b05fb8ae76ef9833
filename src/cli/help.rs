//! The content of help: the options of the command itself, and examples with the name by which the program was called.

use clap::builder::Resettable;

use crate::commands::write_args::OVERRIDES;
use crate::terminal::Program;

/// Leaves the options that every command has to `awsauth options`.
pub(super) fn without_shared_options(command: clap::Command, program: Program) -> clap::Command {
    let footer = format!(
        "Use \"{} options\" for the options that every command has.",
        program.name()
    );
    // The options reach the subcommands from the root.
    let command = command.mut_args(|arg| {
        let is_shared = arg.is_global_set();
        arg.hide(is_shared)
    });
    with_footer(command, &footer, program)
}

fn with_footer(command: clap::Command, footer: &str, program: Program) -> clap::Command {
    let examples = command.get_after_help().map(ToString::to_string);
    let long = command.get_after_long_help().map(ToString::to_string);
    let below = |text: Option<String>| match text {
        Some(text) => format!("{}\n\n{footer}", program.speak(text.trim_end())),
        None => footer.to_owned(),
    };
    let after_long_help = long.map(|text| below(Some(text)));
    command
        .after_help(below(examples))
        .after_long_help(
            after_long_help.map_or(Resettable::Reset, |text| Resettable::Value(text.into())),
        )
        .mut_subcommands(|command| with_footer(command, footer, program))
}

/// Rarely needed options, which only `--help` shows.
const DETAILS: [&str; 22] = [
    "accounts",
    "as_written",
    "assume_role_arn",
    "check_principals",
    "concurrency",
    "create_only",
    "deadline",
    "expect_groups",
    "expect_username",
    "ignore_missing",
    "label",
    "log",
    "must_exist",
    "no_create",
    "no_headers",
    "only",
    "principals",
    "reason",
    "remove_groups",
    "remove_policies",
    "skipped",
    "verify_as",
];

/// The number of examples in `-h`.
const EXAMPLES: usize = 3;

/// Leaves the variables, the options that override a guard, details and most examples to `--help`, so that `-h` fits on a screen.
pub(super) fn shortened(command: clap::Command) -> clap::Command {
    let below = command.get_after_help().map(ToString::to_string);
    let below = below.unwrap_or_default();
    let paragraphs: Vec<&str> = below.split("\n\n").collect();
    let below = match paragraphs.as_slice() {
        [examples @ .., footer] if examples.len() > EXAMPLES => {
            [&examples[..EXAMPLES], &[*footer]].concat().join("\n\n")
        }
        all => all.join("\n\n"),
    };
    command
        .after_help(below)
        .mut_args(|arg| {
            let is_detail = arg.get_help_heading() == Some(OVERRIDES)
                || DETAILS.contains(&arg.get_id().as_str());
            let has_modes = arg.get_id() == "dry_run" && arg.get_action().takes_values();
            arg.hide_env(true)
                .hide_possible_values(has_modes)
                .hide_short_help(is_detail)
        })
        .mut_subcommands(shortened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;
    use crate::cli::documented_commands::visit;

    /// The lines of a terminal window that help may fill.
    const SCREEN: usize = 50;

    #[test]
    fn short_help_fits_on_a_screen() {
        for width in [80, 100] {
            let folded = without_shared_options(command(Program::AWSAUTH), Program::AWSAUTH);
            let mut root = shortened(folded).term_width(width);
            root.build();
            let mut commands = 0;
            let mut too_long = Vec::new();
            visit(&root, &mut |command| {
                let help = command.clone().render_help().to_string();
                let lines = help.lines().count();
                if lines > SCREEN {
                    let name = command.get_bin_name().unwrap_or_default();
                    too_long.push(format!("{name} -h has {lines} lines:\n{help}"));
                }
                commands += 1;
            });
            assert!(commands > 30, "{commands}");
            assert!(
                too_long.is_empty(),
                "in {width} columns, {}",
                too_long.join("\n")
            );
        }
    }
}
