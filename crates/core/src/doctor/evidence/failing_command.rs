//! The result of the user's failing command.

/// The result of the user's failing command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandRun {
    /// The exit status in words; `None` if it did not end in time.
    pub status: Option<String>,
    pub succeeded: bool,
    /// Its stderr, without secrets.
    pub stderr: String,
    /// The line of stderr that names the error.
    pub message: String,
}
