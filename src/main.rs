//! The `awsauth` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    awsauth::cli::run(std::env::args_os().collect())
}
