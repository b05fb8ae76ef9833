//! Runs the user's editor.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use tempfile::Builder;
use tokio::sync::oneshot;

use super::cluster::runtime;
use crate::terminal::{Failure, Kind, Out};
use awsauth_kube::interrupt;

/// The variables that name an editor, in order of precedence: kubectl's own, then the common ones.
/// <https://kubernetes.io/docs/reference/kubectl/generated/kubectl_edit/>
const VARIABLES: [&str; 3] = ["KUBE_EDITOR", "VISUAL", "EDITOR"];

/// The default editor.
const FALLBACK: &str = if cfg!(windows) { "notepad" } else { "vi" };

/// The user's editor: a shell command, such as `code --wait`.
#[derive(Debug)]
pub(crate) struct Editor {
    words: OsString,
}

/// The result of running the editor.
#[derive(Debug)]
pub(crate) struct Edited {
    /// The saved file.
    pub(crate) text: String,
    /// Why the saved file must not be used.
    pub(crate) failure: Option<Failure>,
}

impl Editor {
    /// Returns the editor from the environment, or the default.
    ///
    /// # Errors
    /// If the environment names no editor, and there is no terminal for the default.
    pub(crate) fn of_process(out: &Out) -> Result<Self, Failure> {
        let mut named = VARIABLES.into_iter().filter_map(env::var_os);
        match named.find(|words| !words.is_empty()) {
            Some(words) => Ok(Self { words }),
            None if out.can_ask() => Ok(Self {
                words: FALLBACK.into(),
            }),
            None => Err(Failure::usage(
                "cannot edit: no editor is named, and there is no terminal to show one on",
            )
            .hint("name an editor, such as EDITOR=vi, or edit with awsauth map and unmap")),
        }
    }

    /// Runs the editor on a document, in a temporary file that only this user can read.
    ///
    /// # Errors
    /// If the file cannot be written, or the editor cannot be started.
    pub(crate) fn edit(&self, text: &str) -> Result<Edited, Failure> {
        let cannot = |error: &io::Error| {
            Failure::usage("cannot write aws-auth to a file for the editor").because(error)
        };
        // Uses a separate folder, because editors create other files next to it, and some replace it.
        let folder = folder().map_err(|error| cannot(&error))?;
        let path = folder.path().join("aws-auth.yaml");
        write(&path, text).map_err(|error| cannot(&error))?;
        let status = run(&self.words, &path)?.map_err(|error| {
            let words = self.words.display();
            Failure::usage(format!("cannot start the editor {words}"))
                .because(&error)
                .hint("name another, such as EDITOR=vi")
        })?;
        let saved = fs::read(&path).map(String::from_utf8);
        let read = |error: &dyn std::error::Error| {
            Failure::usage("cannot read the edited file").because(error)
        };
        let failure = |failure| {
            Ok(Edited {
                text: text.to_owned(),
                failure: Some(failure),
            })
        };
        match saved {
            Err(error) => failure(read(&error)),
            Ok(Err(error)) => failure(read(&error)),
            Ok(Ok(text)) => Ok(Edited {
                text,
                failure: (!status.success()).then(|| self.gave_up(status)),
            }),
        }
    }

    fn gave_up(&self, status: ExitStatus) -> Failure {
        let words = self.words.display();
        let what = format!("the editor {words} ended with {status}; nothing was written");
        let kind = if is_interrupted(status) {
            Kind::Interrupted
        } else {
            Kind::No
        };
        let failure = Failure::new(kind, what);
        match status.code() {
            // The exit codes of a shell for a command that is missing or cannot be run.
            Some(126 | 127) => failure.hint("name another, such as EDITOR=vi"),
            _ => failure,
        }
    }
}

fn folder() -> io::Result<tempfile::TempDir> {
    let mut builder = Builder::new();
    builder.prefix("awsauth-edit-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Runs the editor as git does, with the path as the last argument.
/// <https://git-scm.com/docs/git-var#Documentation/git-var.txt-GITEDITOR>
fn run(words: &OsStr, path: &Path) -> Result<io::Result<ExitStatus>, Failure> {
    let mut command = command(words, path);
    // The editor must not write to awsauth's stdout, which a script may read.
    command.stdout(Stdio::from(io::stderr()));
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ok(Err(error)),
    };
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || sender.send(child.wait()));
    let ended = runtime()?.block_on(interrupt::ignored_during(receiver));
    ended.map_err(|error| Failure::bug(&error))
}

#[cfg(not(windows))]
fn command(words: &OsStr, path: &Path) -> Command {
    // Ctrl-C must reach only the editor, not end the shell that waits for it.
    let mut script = OsString::from("trap : INT; ");
    script.push(words);
    script.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(words).arg(path);
    command
}

#[cfg(windows)]
fn command(words: &OsStr, path: &Path) -> Command {
    let mut command = Command::new("cmd");
    command.arg("/C").arg(words).arg(path);
    command
}

#[cfg(unix)]
fn is_interrupted(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;

    // A shell reports a signal as 128 plus its number.
    status.signal() == Some(2) || status.code() == Some(130)
}

#[cfg(not(unix))]
fn is_interrupted(_: ExitStatus) -> bool {
    false
}
