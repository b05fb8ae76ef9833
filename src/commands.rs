//! The commands: each its arguments and a `run` that reads, plans, shows and writes.

pub(crate) mod apply;
pub(crate) mod completion;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod get;
pub(crate) mod man;
pub(crate) mod map;
pub(crate) mod unmap;
pub(crate) mod version;

#[expect(dead_code, reason = "no command signs anything yet")]
mod identity;
mod principal;
mod refusals;
mod write;

/// How a command without a table answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Text for people
    #[default]
    Human,
    /// JSON for scripts
    Json,
}
