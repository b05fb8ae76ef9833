//! Prints the findings.

use super::args::{FailOn, Format};
use crate::github_step;
use crate::output::{
    FixedFinding, Linted, lint_commands, lint_counts, lint_json, lint_junit, lint_notes,
    lint_sarif, lint_sarif_limits, lint_table, lint_text,
};
use crate::terminal::{Failure, Out};

/// What to print.
pub(super) struct Output<'a> {
    pub(super) format: Format,
    pub(super) linted: &'a [Linted<'a>],
    /// What could not be read.
    pub(super) failures: &'a [Failure],
    pub(super) fail_on: FailOn,
    /// The fixed findings, with `--fix`.
    pub(super) fixed: Option<&'a [FixedFinding]>,
    pub(super) is_dry: bool,
    /// Whether the output follows other output.
    pub(super) is_continued: bool,
    /// The file that SARIF names for input without one.
    pub(super) sarif_path: Option<&'a str>,
}

impl Output<'_> {
    /// Prints the findings, and their number to stderr.
    pub(super) fn print(&self, out: &mut Out) -> Result<(), Failure> {
        let linted = self.linted;
        let unread: Vec<String> = self.failures.iter().map(Failure::message).collect();
        match self.format {
            Format::Human => {
                let mut text = lint_text(linted);
                if self.is_continued && !text.is_empty() {
                    text.insert(0, '\n');
                }
                out.text(&out.program().speak(&text))?;
            }
            Format::Json => {
                let json = lint_json(linted, self.fixed, self.is_dry)
                    .map_err(|error| Failure::bug(&error))?;
                out.json(&json)?;
            }
            Format::Sarif => {
                let sarif = lint_sarif(linted, &unread, self.sarif_path)
                    .map_err(|error| Failure::bug(&error))?;
                out.json(&sarif)?;
                if let Some(limits) = lint_sarif_limits(linted) {
                    out.note(&limits);
                }
            }
            Format::Github => {
                out.workflow_commands(&lint_commands(linted, &unread))?;
                github_step::summarize(&lint_table(linted, &unread), out);
                let counts = lint_counts(linted).map(|(name, count)| (name, count.to_string()));
                github_step::set_outputs(&counts, out);
            }
            Format::Junit => {
                let fails = |severity| self.fail_on.is_reached(severity);
                let xml =
                    lint_junit(linted, &unread, &fails).map_err(|error| Failure::bug(&error))?;
                out.data(xml.as_bytes())?;
            }
        }
        if !linted.is_empty() {
            for line in lint_notes(linted, out.is_detailed()) {
                out.note(&line);
            }
        }
        Ok(())
    }
}
