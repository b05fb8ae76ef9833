//! The result of a review.

use std::collections::BTreeMap;

use super::validate::MAX_ENTRIES;
use super::{Exemption, MAX_ITEMS, MAX_PARTS, messages};

/// The result of a review, from which the webhook builds its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewResult {
    pub verdict: Verdict,
    /// Why the edit is denied and how to make it correctly, on several lines and at most 4 KiB; empty unless it is denied.
    pub message: String,
    /// Warnings for the user: one sentence each, at most 256 bytes, because the API server truncates longer ones:
    /// <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response>
    pub warnings: Vec<String>,
    /// Audit annotations of at most 4 KiB, by the last part of their names.
    pub audit: BTreeMap<&'static str, String>,
}

/// The verdict on an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The edit is stored.
    Allowed,
    /// The edit is stored, with warnings.
    Warned,
    /// The edit is stored only because the user is exempt.
    Exempted(Exemption),
    /// The edit is not stored.
    Denied,
}

impl Verdict {
    /// Returns its one-word name for metrics, logs and the audit log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Warned => "warned",
            Self::Exempted(exemption) => exemption.name(),
            Self::Denied => "denied",
        }
    }
}

/// Why a review has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    #[error("the review was not checked in time")]
    TimeIsUp,
    /// The memory of a review is proportional to the number of entries and lines. An edit that exceeds a limit is denied, unless the
    /// stored aws-auth exceeds it already.
    #[error(
        "the stored aws-auth has more than {MAX_ENTRIES} entries, {MAX_PARTS} lines and items, or {MAX_ITEMS} keys"
    )]
    TooLarge,
}

impl ReviewResult {
    /// Returns the result of an edit without findings.
    pub fn allowed() -> Self {
        Self {
            verdict: Verdict::Allowed,
            message: String::new(),
            warnings: Vec::new(),
            audit: BTreeMap::new(),
        }
    }

    /// Returns the result of an edit that is denied for this reason, of which the first 4 KiB are kept.
    pub fn denied(message: String) -> Self {
        Self {
            verdict: Verdict::Denied,
            message: messages::limited(message),
            ..Self::allowed()
        }
    }

    /// Returns whether the edit is stored.
    pub fn is_allowed(&self) -> bool {
        self.verdict != Verdict::Denied
    }
}
