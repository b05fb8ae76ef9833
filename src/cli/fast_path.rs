//! Fast paths that answer frequent commands without building the clap command tree.

pub(super) mod get_token_arguments;
pub(super) mod token;

use std::ffi::OsString;
use std::io::{self, Write};

use crate::commands::version;
use crate::terminal::{self, Exit};

/// Answers a plain `--version`, `-V` or `version` before any other setup, because scripts call it often.
pub(super) fn version(arguments: &[OsString]) -> Option<Exit> {
    let [_, only] = arguments else { return None };
    match only.to_str() {
        Some("--version" | "-V") => {}
        // AWSAUTH_OUTPUT may set the command's output format.
        Some("version") if std::env::var_os("AWSAUTH_OUTPUT").is_none() => {}
        _ => return None,
    }
    // A closed pipe is not an error.
    let _ = io::stdout().write_all(version::LINE.as_bytes());
    Some(Exit::Done)
}

/// Prints clap's output: help on stdout, a usage error on stderr.
pub(super) fn explain(error: clap::Error) -> Exit {
    let exit = match error.use_stderr() {
        true => Exit::Usage,
        false => Exit::Done,
    };
    terminal::print_clap(error);
    exit
}
