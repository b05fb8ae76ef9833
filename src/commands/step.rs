//! A step of GitHub Actions: its summary and its outputs, where there is such a step
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};

use super::proof::Proof;
use super::witness::Seen;
use crate::edge::{Failure, Out};
use crate::plan::Plan;
use crate::render::{failure_command, failure_summary, plan_summary};
use crate::world::{Landed, World};

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepEnd {
    /// It has only shown what would change, where anything would.
    Asked { changes: bool },
    /// It was to write.
    Done(Landed),
}

/// Tells the step what became of aws-auth, or would.
pub(super) fn told(plan: &Plan, end: StepEnd, seen: Option<&Seen>, world: &World, out: &mut Out) {
    // A manifest may change around what is planned.
    let is_change = match end {
        StepEnd::Asked { changes } => changes,
        StepEnd::Done(landed) => landed != Landed::Unchanged,
    };
    let is_rolled_back = seen.is_some_and(Seen::is_rolled_back);
    let became = match end {
        StepEnd::Done(_) if is_rolled_back => {
            "This was written, could not be verified, and was put back."
        }
        StepEnd::Asked { changes: true } => "This would change; nothing was written.",
        StepEnd::Asked { changes: false } => "Nothing would change.",
        StepEnd::Done(Landed::Unchanged) => "Nothing had to be changed.",
        StepEnd::Done(Landed::Created) => "Created.",
        StepEnd::Done(Landed::Changed) => "Changed.",
    };
    let verification = seen.and_then(|seen| seen.proof.as_ref());
    let verification = verification.map(Proof::verification);
    let summary = plan_summary(plan, &world.to_string(), became, verification.as_ref());
    summarize(&summary, out);
    let is_changed = is_change && !is_rolled_back;
    outputs(&[("changed", is_changed.to_string())], out);
}

/// Tells the step why the command failed.
pub(crate) fn failed(failure: &Failure, out: &mut Out) {
    let text = failure.render(out.program());
    // Where stdout holds a manifest, this goes to stderr, which the runner reads as well.
    let _ = out.text(&failure_command(text.trim_end()));
    summarize(&failure_summary(&text), out);
}

/// Adds Markdown to the step's summary.
pub(super) fn summarize(markdown: &str, out: &mut Out) {
    append("GITHUB_STEP_SUMMARY", markdown, out);
}

/// Sets outputs of the step. Each value has one line.
pub(super) fn outputs(values: &[(&str, String)], out: &mut Out) {
    let mut lines = String::new();
    for (name, value) in values {
        lines += &format!("{name}={value}\n");
    }
    append("GITHUB_OUTPUT", &lines, out);
}

/// Adds to the file that the variable names. That the step learns of it is no part of what was asked for, so that a failure is a note.
fn append(variable: &str, text: &str, out: &mut Out) {
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) else {
        return;
    };
    let open = OpenOptions::new().append(true).create(true).open(path);
    let written: io::Result<()> = open.and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        out.note(&format!(
            "The file that {variable} names can't be written: {error}."
        ));
    }
}
