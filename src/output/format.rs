//! The output formats.

use clap::ValueEnum;

/// The output format of commands that plan a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// Text for users
    #[default]
    Human,
    /// JSON for scripts
    Json,
    /// Text in the log of a step of GitHub Actions, a table in its summary, and its output `changed`
    Github,
}
