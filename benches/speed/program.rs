//! The program under measurement, and child processes as they are timed.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::static_build;

/// The released binary.
pub(crate) struct Awsauth {
    path: PathBuf,
}

impl Awsauth {
    /// Builds it, which takes minutes the first time.
    pub(crate) fn build() -> Self {
        let path = static_build::released();
        println!("awsauth is {}", path.display());
        Self { path }
    }

    /// The program with nothing of the caller's environment.
    pub(crate) fn command<A: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(&self.path);
        command.env_clear().args(arguments);
        command
    }

    /// The same, on the cluster of a kubeconfig.
    pub(crate) fn on(&self, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("KUBECONFIG", kubeconfig);
        command
    }
}

/// From before the start of `command` until after its end, its output thrown away. It must succeed.
pub(crate) fn timed_run(command: &mut Command) -> Duration {
    let start = Instant::now();
    let done = run(command);
    let duration = start.elapsed();
    must_succeed(command, done);
    duration
}

fn run(command: &mut Command) -> io::Result<Output> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn()?.wait_with_output()
}

/// # Panics
/// With what it said, unless it succeeded.
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
