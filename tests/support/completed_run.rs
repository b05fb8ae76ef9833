//! Completed runs of programs, whose output was searched for secrets.

use std::process::{Child, Command, Output};

use serde_json::Value;

use super::program_output;
use super::secrets::Prints;

/// A completed run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Runs a command that prints no secret.
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::that_prints(Prints::Nothing, command)
    }

    /// Runs a command that may print such secrets.
    #[track_caller]
    pub(crate) fn that_prints(prints: Prints, command: &mut Command) -> Self {
        Self::new(program_output::output_of(command, prints))
    }

    /// Waits for a child process that prints no secret.
    #[track_caller]
    pub(crate) fn ended(child: Child) -> Self {
        Self::ended_of(child, Prints::Nothing)
    }

    /// Waits for a child process that may print such secrets.
    #[track_caller]
    pub(crate) fn ended_of(child: Child, prints: Prints) -> Self {
        Self::new(program_output::ended_of(child, prints))
    }

    /// Asserts the exit status, and that stderr contains each of `parts`.
    #[track_caller]
    pub(crate) fn says(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, status, "{self:?}");
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no {part:?} in:\n{}",
                self.stderr
            );
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("programs print UTF-8");
        Self {
            // -1 if a signal ended the process.
            status: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
