//! The `awsauth` command.
//!
//! `cli` parses the arguments, `commands` has a file or folder for each command, and `write` is the transaction that writing commands
//! run.

mod access_check;
mod backend;
mod cli;
mod collect;
mod commands;
mod github_step;
mod output;
mod terminal;
mod write;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os().collect())
}
