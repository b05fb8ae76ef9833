//! The peak memory of a process.

use std::io;
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};

use crate::measure::child_process::must_succeed;

/// The flag with which this program runs the command after it and prints its peak memory.
pub(crate) const FLAG: &str = "--peak-memory";

/// Runs `command`, which must succeed, and returns its peak memory in bytes.
pub(crate) fn peak(command: &Command) -> u64 {
    // A child inherits the peak of the process that forks it. So fork from a small process: a new one of this program.
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

/// Runs the command for [`peak`] and prints its peak memory.
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
    // Linux reports KiB.
    println!(
        "{}",
        usage.expect("a process may ask for its own").max_rss() * 1024
    );
}
