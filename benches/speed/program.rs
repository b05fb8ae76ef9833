//! The program under measurement, and child processes as they are timed.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::static_build;

/// The released binary.
pub(crate) struct Awsauth {
    path: PathBuf,
    // Held so that it is there.
    _folder: TempDir,
}

impl Awsauth {
    /// Builds it, which takes minutes the first time. Runs a copy, as whoever installs it does: what the linker writes lies in the
    /// page cache in small pieces, for which each start pays.
    pub(crate) fn build() -> Self {
        let built = static_build::released();
        println!("awsauth is a copy of {}", built.display());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("awsauth");
        std::fs::copy(built, &path).expect("a copy");
        Self {
            path,
            _folder: folder,
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
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
