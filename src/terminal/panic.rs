//! Reports panics as bugs.

use std::io::{self, Write};
use std::panic;

use super::Exit;
use super::program_name::report_request;
use awsauth_core::escape::one_line;

/// Installs a panic hook that prints the location and how to report the bug, and exits with [`Exit::Bug`].
///
/// It is a hook because release builds abort on panic, so there is nothing to catch.
#[expect(
    clippy::exit,
    reason = "the only way to choose the exit code of a panic"
)]
pub(crate) fn report_panics() {
    panic::set_hook(Box::new(|panicked| {
        let message = panicked.payload_as_str().unwrap_or("no message");
        let place = panicked
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let _ = writeln!(
            io::stderr(),
            "error: awsauth {} has a bug: {} ({place})\nhint: {}",
            env!("CARGO_PKG_VERSION"),
            one_line(message),
            report_request(),
        );
        std::process::exit(i32::from(Exit::Bug.code()));
    }));
}
