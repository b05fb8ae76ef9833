//! Child processes that end with the test process, even if that is killed.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::completed_run::Run;

/// Starts a watcher and becomes the program. The watcher kills the whole process group when the pipe
/// on its standard input closes. The kernel closes the pipe when the test process ends, even
/// by SIGKILL. No handler or destructor has to run.
const WATCHED: &str = r#"
exec 3<&0 </dev/null
(read -r _ <&3; kill -9 0) >/dev/null 2>&1 &
exec "$@" 3<&-
"#;

/// Removes a folder when the pipe on its standard input closes. Retries while processes still write to it.
const SWEEPER: &str = r#"
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null && exit; sleep 0.1; done
"#;

/// A running program that writes its output to a file. It is killed when it is dropped.
pub(crate) struct Supervised {
    child: Child,
    /// The watcher's pipe, which is open while the program may run.
    leash: Option<ChildStdin>,
    log: PathBuf,
}

impl Supervised {
    /// Starts `program` with only `HOME` and `variables` in its environment. Appends its output to `log`.
    pub(crate) fn start(
        program: &Path,
        args: &[String],
        variables: &[(String, String)],
        home: &Path,
        log: PathBuf,
    ) -> io::Result<Self> {
        let message = File::options().create(true).append(true).open(&log)?;
        let mut command = shell(WATCHED);
        command
            .arg(program)
            .args(args)
            .env_clear()
            .env("HOME", home)
            .envs(variables.iter().cloned())
            .current_dir(home);
        let mut child = command
            .stdout(message.try_clone()?)
            .stderr(message)
            .spawn()?;
        let leash = child.stdin.take();
        Ok(Self { child, leash, log })
    }

    /// Returns the exit status and the end of the log if the program has ended.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        Some(format!("{status}: {}", self.log_tail()))
    }

    /// Returns the last lines of the log.
    pub(crate) fn log_tail(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// The process ID.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Suspends the program until the result is dropped. Its ports accept connections, but nothing answers.
    pub(crate) fn suspend(&self) -> Suspended {
        let pid = self.pid();
        send_signal("-STOP", pid);
        Suspended(pid)
    }

    /// Kills the program with SIGKILL and waits for its end.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        self.leash = None;
        let _ = self.child.wait();
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A suspended program.
pub(crate) struct Suspended(u32);

impl Drop for Suspended {
    fn drop(&mut self) {
        send_signal("-CONT", self.0);
    }
}

/// Sends a signal, such as `-INT`.
pub(crate) fn send_signal(name: &str, pid: u32) {
    let sent = Run::of(Command::new("kill").args([name, &pid.to_string()]));
    assert_eq!(sent.status, 0, "kill {name} {pid}: {sent:?}");
}

/// Removes a folder when the test process ends.
pub(crate) struct Sweeper {
    child: Child,
    leash: Option<ChildStdin>,
}

impl Sweeper {
    /// Starts a process that removes `folder` when this value is dropped or the test process ends.
    pub(crate) fn start(folder: &Path) -> io::Result<Self> {
        let mut command = shell(SWEEPER);
        let mut child = command
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let leash = child.stdin.take();
        Ok(Self { child, leash })
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.leash = None;
        let _ = self.child.wait();
    }
}

/// A shell with a pipe on its standard input, in its own process group: Ctrl-C in a terminal reaches only the test process.
fn shell(script: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", script, "sh"])
        .stdin(Stdio::piped())
        .process_group(0);
    shell
}
