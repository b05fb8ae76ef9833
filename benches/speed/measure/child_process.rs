//! Child processes: their run time, and their output.

use std::io;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Measures `command` from before its start until after its end. Discards its output. The command must succeed.
pub(crate) fn timed_run(command: &mut Command) -> Duration {
    let start = Instant::now();
    let done = run(command);
    let duration = start.elapsed();
    must_succeed(command, done);
    duration
}

/// Measures `command` in the same way, and returns whether it succeeded.
pub(crate) fn timed_attempt(command: &mut Command) -> (Duration, bool) {
    let start = Instant::now();
    let done = run(command);
    let succeeded = done.is_ok_and(|done| done.status.success());
    (start.elapsed(), succeeded)
}

fn run(command: &mut Command) -> io::Result<Output> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn()?.wait_with_output()
}

/// Returns the output of a command.
///
/// # Panics
/// If the command failed, with its stderr.
pub(crate) fn must_succeed(command: &Command, done: io::Result<Output>) -> Output {
    let done = done.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        done.status.success(),
        "{command:?}: {}: {}",
        done.status,
        String::from_utf8_lossy(&done.stderr)
    );
    done
}
