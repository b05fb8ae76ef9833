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
    /// For a GitHub Actions step: text in the log, a table in the job summary, and the step output `changed`
    Github,
}
