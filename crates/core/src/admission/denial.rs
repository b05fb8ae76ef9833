//! A reason to deny an edit.

/// A reason to deny an edit.
#[derive(Debug)]
pub(super) struct Denial {
    /// The name of the guard.
    pub(super) reason: &'static str,
    /// What the edit would break, and for which principal; a sentence fragment.
    pub(super) message: String,
    /// The flag of awsauth's commands that allows it.
    pub(super) allow: Option<String>,
}
