//! Child processes that cannot outlive their owner, however the owner ends.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Becomes the program, leaving behind a watcher that kills the whole process group once the pipe
/// on its standard input closes. The kernel closes the pipe with its last holder, our process, even
/// when that is killed by SIGKILL; no handler or destructor has to run.
const WATCHED: &str = r#"
exec 3<&0 </dev/null
(read -r _ <&3; kill -9 0) >/dev/null 2>&1 &
exec "$@" 3<&-
"#;

/// Removes a folder once the pipe on its standard input closes; again while its last users die.
const SWEEPER: &str = r#"
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null && exit; sleep 0.1; done
"#;

/// A running program that writes its output to a file. Dropping it kills it.
pub(crate) struct Supervised {
    child: Child,
    /// Held open for as long as the program may run.
    leash: Option<ChildStdin>,
    log: PathBuf,
}

impl Supervised {
    /// Starts `program` with no environment but `HOME` and `variables`, appending all it says to `log`.
    pub(crate) fn start(
        program: &Path,
        args: &[String],
        variables: &[(String, String)],
        home: &Path,
        log: PathBuf,
    ) -> io::Result<Self> {
        let said = File::options().create(true).append(true).open(&log)?;
        let mut command = shell(WATCHED);
        command
            .arg(program)
            .args(args)
            .env_clear()
            .env("HOME", home)
            .envs(variables.iter().cloned())
            .current_dir(home);
        let mut child = command.stdout(said.try_clone()?).stderr(said).spawn()?;
        let leash = child.stdin.take();
        Ok(Self { child, leash, log })
    }

    /// Its last words, if it is not running any more.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        Some(format!("{status}: {}", self.last_words()))
    }

    /// The last lines of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL, unless it is dead already, and waits for that.
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

/// Sees to it that a folder is gone after its owner is.
pub(crate) struct Sweeper {
    child: Child,
    leash: Option<ChildStdin>,
}

impl Sweeper {
    /// Watches over `folder`, which must be of no use to anyone afterwards.
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

/// A shell on a pipe, in a process group of its own, so that Ctrl-C in a terminal reaches only the owner.
fn shell(script: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", script, "sh"])
        .stdin(Stdio::piped())
        .process_group(0);
    shell
}
