//! An editor with scripted changes, and a pseudo-terminal.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::default_signal_actions;
use super::secrets;

/// Saves a copy of the page, then runs the script for this invocation.
const EDITOR: &str = r#"
cd "$(dirname "$0")"
n=$(( $(cat times 2> /dev/null || echo 0) + 1 ))
echo $n > times
stat -c %a "$1" "$(dirname "$1")" > modes
cp "$1" page.part && mv page.part page.$n
[ ! -e time.$n ] || . ./time.$n
"#;

/// A folder with a scripted editor.
pub(crate) struct EditorSession {
    folder: TempDir,
}

impl EditorSession {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        fs::write(folder.path().join("editor"), EDITOR).unwrap();
        Self { folder }
    }

    /// Sets the shell script that changes the page `$1` at the nth invocation.
    pub(crate) fn time(&self, n: u32, script: &str) -> &Self {
        fs::write(self.file(&format!("time.{n}")), script).unwrap();
        self
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes `command` use this editor and folder.
    pub(crate) fn configure<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let editor = format!("sh {}", self.file("editor").display());
        command
            .env("VISUAL", editor)
            .env("EDITOR", "false")
            .env("TMPDIR", self.file("tmp"))
            .current_dir(self.folder.path())
    }

    /// Returns the page at the nth invocation.
    #[track_caller]
    pub(crate) fn page(&self, n: u32) -> String {
        let path = self.file(&format!("page.{n}"));
        fs::read_to_string(path).unwrap_or_else(|error| panic!("time {n}: {error}"))
    }

    /// Returns the number of invocations.
    pub(crate) fn times(&self) -> u32 {
        let times = fs::read_to_string(self.file("times")).unwrap_or_default();
        times.trim().parse().unwrap_or(0)
    }

    /// Asserts that only the user could read the page.
    #[track_caller]
    pub(crate) fn was_private(&self) {
        assert_eq!(
            fs::read_to_string(self.file("modes")).unwrap(),
            "600\n700\n"
        );
    }

    /// Returns the kept files. Asserts that no other file is left and that only the user can read them.
    #[track_caller]
    pub(crate) fn kept(&self) -> Vec<(PathBuf, String)> {
        let left = fs::read_dir(self.file("tmp")).unwrap().flatten();
        left.map(|left| {
            assert_eq!(
                left.metadata().unwrap().permissions().mode() & 0o7777,
                0o600
            );
            let text = fs::read_to_string(left.path()).unwrap();
            (left.path(), text)
        })
        .collect()
    }

    /// Asserts that exactly one file was kept and that `message` names it. Returns its content.
    #[track_caller]
    pub(crate) fn kept_and_named(&self, message: &str) -> String {
        let kept = self.kept();
        let [(path, text)] = kept.as_slice() else {
            panic!("{kept:?}: {message}");
        };
        let named = format!("hint: your edits are saved in {}", path.display());
        assert!(message.contains(&named), "{message}");
        text.clone()
    }
}

/// A program that runs on a pseudo-terminal.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    pub(crate) fn of(command: &Command) -> Self {
        default_signal_actions::reset_for_children();
        let pair = nix::pty::openpty(None, None).unwrap();
        let slave = || Stdio::from(pair.slave.try_clone().unwrap());
        // With a controlling terminal, so that Ctrl-C sends SIGINT.
        let mut on_terminal = Command::new("setsid");
        on_terminal
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args());
        on_terminal.env_clear();
        for (name, value) in command.get_envs() {
            on_terminal.env(name, value.unwrap_or_default());
        }
        on_terminal.current_dir(command.get_current_dir().unwrap_or(Path::new("/")));
        on_terminal.stdin(slave()).stdout(slave()).stderr(slave());
        secrets::know_environment(&on_terminal);
        let child = on_terminal.spawn().unwrap();
        drop(on_terminal);
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(String::new()));
        let mut output = File::from(pair.master.try_clone().unwrap());
        let shown = Arc::clone(&screen);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            // On Linux, reading past the end of a terminal is an error.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).replace('\r', "");
                shown.lock().unwrap().push_str(&text);
            }
        });
        Self {
            child,
            keyboard: File::from(pair.master),
            screen,
            reader: Some(reader),
        }
    }

    /// Waits until `text` is on the screen.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.screen.lock().unwrap().contains(text) {
            let screen = self.screen.lock().unwrap().clone();
            assert!(Instant::now() < deadline, "no {text:?} on:\n{screen}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns all output so far.
    pub(crate) fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    /// Returns whether the program has ended.
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn type_in(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end. Returns the exit code and all output.
    pub(crate) fn end(mut self) -> (i32, String) {
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        let screen = self.screen.lock().unwrap().clone();
        secrets::assert_none_in(&screen);
        (status.code().unwrap_or(-1), screen)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.reader.is_some() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
