//! The most memory that a process ever held.

use std::io;
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};

use crate::program::must_succeed;

/// Makes this program run the command behind it and print its peak.
pub(crate) const FLAG: &str = "--peak-memory";

/// The peak of `command` in bytes. It must succeed.
pub(crate) fn peak(command: &Command) -> u64 {
    // A child starts with the peak of the process that forked it, so a small one has to do that: this program, anew.
    let this = std::env::current_exe().expect("a program knows its path");
    let mut small = Command::new(this);
    if let Some(folder) = command.get_current_dir() {
        small.current_dir(folder);
    }
    small
        .env_clear()
        .arg(FLAG)
        .arg(command.get_program())
        .args(command.get_args());
    let done = small.output();
    let done = must_succeed(&small, done);
    String::from_utf8_lossy(&done.stdout)
        .trim()
        .parse()
        .expect("a number of bytes")
}

/// The other side of [`peak`].
pub(crate) fn report_peak(command: &[String]) {
    let [program, arguments @ ..] = command else {
        panic!("{FLAG} needs a command");
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let done = command.status();
    assert!(
        done.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?}: {done:?}"
    );
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(io::Error::from);
    // Linux counts in KiB.
    println!(
        "{}",
        usage.expect("a process may ask for its own").max_rss() * 1024
    );
}
