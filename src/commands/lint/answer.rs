use clap::ValueEnum;

use super::super::step;
use super::FailOn;
use crate::edge::{Failure, Out};
use crate::render::{
    Fixed, Linted, lint_commands, lint_counts, lint_json, lint_junit, lint_notes, lint_sarif,
    lint_sarif_limits, lint_table, lint_text,
};

/// How lint answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Text for people
    #[default]
    Human,
    /// JSON for scripts
    Json,
    /// SARIF 2.1.0 for code scanning
    Sarif,
    /// Annotations for a step of GitHub Actions, and a table in its summary
    Github,
    /// JUnit's XML for pipelines that show tests
    Junit,
}

/// What there is to answer.
pub(super) struct Answer<'a> {
    pub(super) form: Form,
    pub(super) linted: &'a [Linted<'a>],
    /// What could not be read.
    pub(super) failures: &'a [Failure],
    pub(super) fail_on: FailOn,
    /// What was mended, where anything was to be.
    pub(super) fixed: Option<&'a [Fixed]>,
    /// Whether that was not written.
    pub(super) is_dry: bool,
    /// Whether it stands below something else.
    pub(super) is_below: bool,
    /// The file to name for what comes from none.
    pub(super) sarif_path: Option<&'a str>,
}

impl Answer<'_> {
    /// Prints the findings, and on stderr how many there are.
    pub(super) fn give(&self, out: &mut Out) -> Result<(), Failure> {
        let linted = self.linted;
        let unread: Vec<String> = self.failures.iter().map(Failure::message).collect();
        match self.form {
            Form::Human => {
                let mut text = lint_text(linted);
                if self.is_below && !text.is_empty() {
                    text.insert(0, '\n');
                }
                out.text(&out.program().speak(&text))?;
            }
            Form::Json => {
                let json = lint_json(linted, self.fixed, self.is_dry)
                    .map_err(|error| Failure::bug(&error))?;
                out.data(json.as_bytes())?;
            }
            Form::Sarif => {
                let sarif = lint_sarif(linted, &unread, self.sarif_path)
                    .map_err(|error| Failure::bug(&error))?;
                out.data(sarif.as_bytes())?;
                if let Some(limits) = lint_sarif_limits(linted) {
                    out.note(&limits);
                }
            }
            Form::Github => {
                out.data(lint_commands(linted, &unread).as_bytes())?;
                step::summarize(&lint_table(linted, &unread), out);
                let counts = lint_counts(linted).map(|(name, count)| (name, count.to_string()));
                step::outputs(&counts, out);
            }
            Form::Junit => {
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
