use std::io::{self, Write};
use std::panic;

use super::Exit;
use super::program::BUGS;

/// From now on a panic says where it happened and how to report it, and ends the process as [`Exit::Bug`].
///
/// A hook, because a release build aborts on panic and leaves nothing to catch.
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
            "error: awsauth {} has a bug: {message} ({place})\nhint: Please report it: {BUGS}",
            env!("CARGO_PKG_VERSION"),
        );
        std::process::exit(i32::from(Exit::Bug.code()));
    }));
}
