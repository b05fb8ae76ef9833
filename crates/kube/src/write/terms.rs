use std::time::Duration;

use crate::history::{Keeping, Kept};
use crate::live::Live;

/// How to write.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// For how long to try.
    pub timeout: Duration,
    /// Only ask the API server what would be stored: the object and its resourceVersion stay as they are.
    pub dry_run: bool,
    /// Whether a missing aws-auth may be created.
    pub create: bool,
    /// What is to be kept besides the text before the write, and where; `None` to keep nothing.
    pub keep: Option<Keeping>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            dry_run: false,
            create: true,
            keep: None,
        }
    }
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was to be done, and nothing was sent.
    Unchanged,
    /// There was no aws-auth; now there is.
    Created,
    /// The stored object was changed.
    Updated,
}

/// A write that came to its end. After a dry run: what it would have been.
#[derive(Debug)]
pub struct Written {
    /// What was done.
    pub outcome: Outcome,
    /// What the plan that was carried out was made of.
    pub before: Live,
    /// What the API server says it stores now.
    pub stored: Live,
    /// How often it was tried; more than once after conflicts and unclear answers.
    pub attempts: u32,
    /// Where the text before is kept; `None` when nothing was to be kept, or nothing was written.
    pub kept: Option<Kept>,
}
