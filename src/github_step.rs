//! A step of GitHub Actions: its summary and its outputs
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};

use crate::output::{failure_command, failure_summary};
use crate::terminal::{Failure, Out};

/// Reports in the step why the command failed.
pub(crate) fn report_failure(failure: &Failure, out: &mut Out) {
    let text = failure.render(out.program());
    let _ = out.workflow_commands(&failure_command(text.trim_end()));
    summarize(&failure_summary(&text), out);
}

/// Appends Markdown to the step's summary.
pub(crate) fn summarize(markdown: &str, out: &mut Out) {
    append("GITHUB_STEP_SUMMARY", markdown, out);
}

/// Sets outputs of the step. Values must be single lines.
pub(crate) fn set_outputs(values: &[(&str, String)], out: &mut Out) {
    let mut lines = String::new();
    for (name, value) in values {
        lines += &format!("{name}={value}\n");
    }
    append("GITHUB_OUTPUT", &lines, out);
}

/// Appends to the file that the variable names. A failure is only a note, because the command itself did what it should.
fn append(variable: &str, text: &str, out: &mut Out) {
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) else {
        return;
    };
    let open = OpenOptions::new().append(true).create(true).open(path);
    let written: io::Result<()> = open.and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        out.note(&format!(
            "The file that {variable} names cannot be written: {error}."
        ));
    }
}
