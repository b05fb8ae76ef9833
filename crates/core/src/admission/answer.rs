use std::collections::BTreeMap;

use super::Passage;

/// The response to an admission review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The verdict on the edit.
    pub verdict: Verdict,
    /// Why the edit is refused and how to make it correctly, on several lines; empty unless it is refused.
    pub message: String,
    /// Warnings for the requester: one sentence each, at most 256 bytes, because the API server truncates longer ones:
    /// <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response>
    pub warnings: Vec<String>,
    /// Audit annotations, by the last part of their names.
    pub audit: BTreeMap<&'static str, String>,
}

/// The verdict on an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The edit is stored.
    Allowed,
    /// The edit is stored, with warnings.
    Warned,
    /// The edit would be refused, but is stored because the requester is exempt.
    LetThrough(Passage),
    /// The edit is refused.
    Denied,
}

impl Verdict {
    /// Returns its one-word name for metrics, logs and the audit log.
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
    /// Returns whether the edit is stored.
    pub fn is_allowed(&self) -> bool {
        self.verdict != Verdict::Denied
    }
}
