//! How a write is recorded in the history.

use std::env;
use std::path::Path;

use super::state_dir::state_folder;
use awsauth_core::history::Who;
use awsauth_core::redact;
use awsauth_kube::history::RecordOptions;

/// How a write is recorded, and whether it may proceed without a copy.
#[derive(Clone, Debug, Default)]
pub(crate) struct HistoryOptions {
    /// The reason that the user gave.
    pub(crate) reason: Option<String>,
    /// The number of the revision that the write undoes.
    pub(crate) undoes: Option<u64>,
    /// The ID that the revisions of the write share, if it may have several.
    pub(crate) transaction: Option<String>,
    /// Writes even if no copy of the current aws-auth can be stored.
    pub(crate) optional: bool,
}

impl HistoryOptions {
    /// Records the write if a copy can be stored anywhere.
    pub(crate) fn best_effort() -> Self {
        Self {
            optional: true,
            ..Self::default()
        }
    }

    pub(super) fn record_options(&self, who: Option<Who>) -> RecordOptions {
        RecordOptions {
            who,
            command: command(),
            reason: self.reason.as_deref().map(redact::text),
            undoes: self.undoes,
            transaction: self.transaction.clone(),
            folder: state_folder(),
            optional: self.optional,
        }
    }
}

/// Returns the command line of this process.
fn command() -> Vec<String> {
    let mut arguments = env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let program = arguments.next().unwrap_or_default();
    let name = Path::new(&program).file_name();
    let name = name.map(|name| name.to_string_lossy().into_owned());
    redact::arguments(name.into_iter().chain(arguments))
}
