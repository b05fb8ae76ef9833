use std::collections::BTreeMap;

use super::Passage;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What becomes of the edit.
    pub verdict: Verdict,
    /// Why it is refused, and how it is done right, on several lines; empty unless it is.
    pub message: String,
    /// What the requester should know, one sentence each, of at most 256 bytes, as the API server passes on no longer ones:
    /// <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response>
    pub warnings: Vec<String>,
    /// What the audit log is to keep, by the last part of the annotations' names.
    pub audit: BTreeMap<&'static str, String>,
}

/// What becomes of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is stored.
    Allowed,
    /// It is stored, and there is something to know.
    Warned,
    /// It would be refused, and is stored all the same.
    LetThrough(Passage),
    /// It is refused.
    Denied,
}

impl Verdict {
    /// Its name in one word, for metrics, logs and the audit log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Warned => "warned",
            Self::LetThrough(passage) => passage.name(),
            Self::Denied => "denied",
        }
    }
}

impl Answer {
    /// Whether the edit is stored.
    pub fn is_allowed(&self) -> bool {
        self.verdict != Verdict::Denied
    }
}
