//! Runs programs, takes their output, and searches it for all known secrets. Tests take output only here.

use std::process::{Child, Command, Output};

use super::default_signal_actions;
use super::secrets::{self, Prints};

/// Runs a command that prints no secret.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> Output {
    output_of(command, Prints::Nothing)
}

/// Runs a command.
#[track_caller]
pub(crate) fn output_of(command: &mut Command, prints: Prints) -> Output {
    default_signal_actions::reset_for_children();
    secrets::know_environment(command);
    let output = command.output();
    searched(
        output.unwrap_or_else(|e| panic!("{command:?}: {e}")),
        prints,
    )
}

/// Waits for a child process that prints no secret.
#[track_caller]
pub(crate) fn ended(child: Child) -> Output {
    ended_of(child, Prints::Nothing)
}

#[track_caller]
pub(crate) fn ended_of(child: Child, prints: Prints) -> Output {
    searched(child.wait_with_output().expect("it ends"), prints)
}

#[track_caller]
fn searched(output: Output, prints: Prints) -> Output {
    secrets::search_output(&output, prints);
    output
}
