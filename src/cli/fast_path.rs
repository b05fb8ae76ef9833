//! Fast paths that answer frequent commands without building the clap command tree.

pub(super) mod reorder_options;
pub(super) mod token;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::error::{ContextKind, ContextValue};

use crate::commands::version;
use crate::terminal::{self, Exit};
use awsauth_core::near_name::nearest;

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
pub(super) fn explain(mut error: clap::Error) -> Exit {
    withhold_unlike_flag(&mut error);
    let exit = match error.use_stderr() {
        true => Exit::Usage,
        false => Exit::Done,
    };
    terminal::print_clap(error);
    exit
}

/// Removes clap's suggestion of a flag that is no typing error of the given one: `--group` must not lead to `--as-group`.
fn withhold_unlike_flag(error: &mut clap::Error) {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.split('=').next(),
        _ => None,
    };
    let flags = text(ContextKind::InvalidArg).zip(text(ContextKind::SuggestedArg));
    if flags.is_some_and(|(given, suggested)| nearest(given, [suggested]).is_none()) {
        error.remove(ContextKind::SuggestedArg);
        // It contains the suggested flag.
        error.remove(ContextKind::Usage);
    }
}
