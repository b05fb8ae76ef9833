//! The printed steps of a rescue.

use std::fmt::Write;

use crate::terminal::{Failure, Out};
use awsauth_core::access_entries::Operation;

/// The number of steps.
const COUNT: usize = 10;

/// What a step does.
pub(super) struct Step {
    pub(super) title: &'static str,
    /// The calls, as commands.
    pub(super) calls: Vec<String>,
    /// The permissions of the calls.
    pub(super) permissions: Vec<&'static str>,
    pub(super) changes: String,
    /// The state of the cluster if the rescue stops after the step.
    pub(super) afterwards: String,
}

/// Numbers and prints the steps.
#[derive(Default)]
pub(super) struct Steps {
    number: usize,
}

impl Step {
    /// Describes a step that only reads.
    pub(super) fn reading(
        title: &'static str,
        calls: Vec<String>,
        permissions: Vec<&'static str>,
    ) -> Self {
        Self {
            title,
            calls,
            permissions,
            changes: "nothing".to_owned(),
            afterwards: "Everything is as before.".to_owned(),
        }
    }

    /// Describes a step that carries out operations, at least one.
    pub(super) fn operations(
        title: &'static str,
        operations: &[&Operation],
        cluster: &str,
        changes: String,
    ) -> Self {
        let last = operations.last();
        Self {
            title,
            calls: operations.iter().map(|one| one.command(cluster)).collect(),
            permissions: operations.iter().map(|one| one.permission()).collect(),
            changes,
            afterwards: last.map_or_else(String::new, |last| last.what_holds_after()),
        }
    }
}

impl Steps {
    /// Prints the next step.
    pub(super) fn begin(&mut self, step: &Step, out: &mut Out) -> Result<(), Failure> {
        let mut text = self.heading(step.title);
        let mut line = |label: &str, value: &str| {
            let _ = writeln!(text, "  {label:<18} {value}");
        };
        for (number, call) in step.calls.iter().enumerate() {
            line(if number == 0 { "call:" } else { "" }, call);
        }
        let permissions = match step.permissions.as_slice() {
            [] => "none".to_owned(),
            permissions => permissions.join(", "),
        };
        line("permission:", &permissions);
        line("changes:", &step.changes);
        line("if it stops here:", &step.afterwards);
        Ok(out.text(&text)?)
    }

    /// Prints the next step as not needed or not requested.
    pub(super) fn skip(
        &mut self,
        title: &'static str,
        reason: &str,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let text = format!("{}  skipped:           {reason}\n", self.heading(title));
        Ok(out.text(&text)?)
    }

    /// Prints the result of the current step.
    pub(super) fn result(&self, result: &str, out: &mut Out) -> Result<(), Failure> {
        Ok(out.text(&format!("  result:            {result}\n"))?)
    }

    /// Adds the current step to a failure.
    pub(super) fn failed(&self, failure: Failure) -> Failure {
        failure.at(&format!("step {} of {COUNT}", self.number))
    }

    fn heading(&mut self, title: &str) -> String {
        self.number += 1;
        format!("{}. {title}\n", self.number)
    }
}
