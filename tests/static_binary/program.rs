//! awsauth once more, under a name of its own: `tests/static_binary.rs` links it with the flags of the release.

use std::process::ExitCode;

fn main() -> ExitCode {
    awsauth::cli::run(std::env::args_os().collect())
}
