//! The options and the result of a write.

use std::time::Duration;

use crate::backoff::WriteBackoff;
use crate::history::{CopyLocation, RecordOptions};
use crate::live_config_map::Live;

/// The options of a write.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// The time limit while no other client wins a race.
    pub timeout: Duration,
    /// The time limit while other clients win races. Each lost race renews `timeout`, up to this limit.
    pub conflict_timeout: Duration,
    /// Whether to send only a dry run. The object and its resourceVersion do not change.
    pub dry_run: bool,
    /// Whether a missing aws-auth may be created.
    pub create: bool,
    /// What to record in the history; `None` to store no copy.
    pub record: Option<RecordOptions>,
    /// The delays after conflicts and missing responses.
    pub backoff: WriteBackoff,
}

impl WriteOptions {
    /// The default of `timeout`.
    pub const TIMEOUT: Duration = Duration::from_secs(30);
    /// The default of `conflict_timeout`. 64 commands that write at the same time as 64 clients that retry without delays need about
    /// 45 seconds each on two cores.
    pub const CONFLICT_TIMEOUT: Duration = Duration::from_secs(120);
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            timeout: Self::TIMEOUT,
            conflict_timeout: Self::CONFLICT_TIMEOUT,
            dry_run: false,
            create: true,
            record: None,
            backoff: WriteBackoff::for_command(),
        }
    }
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The desired state was already stored. No write was sent.
    Unchanged,
    /// aws-auth was created.
    Created,
    /// aws-auth was changed.
    Updated,
}

/// A completed write or dry run.
#[derive(Debug)]
pub struct Written {
    pub outcome: Outcome,
    /// The state that the plan was based on.
    pub before: Live,
    /// The object in the API server's response.
    pub stored: Live,
    /// The number of attempts: more than one after conflicts and missing responses.
    pub attempts: u32,
    /// Where the copy of the previous state is stored; `None` if no copy was requested or nothing was written.
    pub copy: Option<CopyLocation>,
}
