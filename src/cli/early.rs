pub(super) mod aws_words;
pub(super) mod token;

use std::ffi::OsString;
use std::io::{self, Write};

use crate::commands::version;
use crate::edge::Exit;

/// Answers a plain `--version`, `-V` or `version` before anything else is set up; scripts ask it often.
pub(super) fn version(arguments: &[OsString]) -> Option<Exit> {
    let [_, only] = arguments else { return None };
    match only.to_str() {
        Some("--version" | "-V") => {}
        // The command has a format, which the environment may name.
        Some("version") if std::env::var_os("AWSAUTH_OUTPUT").is_none() => {}
        _ => return None,
    }
    // A closed pipe is silent, and so is one that closes this early.
    let _ = io::stdout().write_all(version::LINE.as_bytes());
    Some(Exit::Done)
}

/// Prints what clap has to say: help on stdout, a usage error on stderr.
pub(super) fn explain(error: &clap::Error) -> Exit {
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    }
}
