//! Errors of editing a document.

use crate::document::{Principal, SectionName};

/// Why a batch changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The section cannot be edited.
    #[error("{key} is not edited: line {line}: {reason}", key = section.key())]
    NotEditable {
        section: SectionName,
        /// The line in its text, from 1.
        line: usize,
        /// The reason, as a sentence fragment.
        reason: String,
        /// The content of that line, if the authenticator cannot read the section at all.
        unreadable: Option<String>,
    },
    /// The entry cannot be changed; other entries of the section may be.
    #[error("the entry at line {line} of {key} is not changed: {reason}", key = section.key())]
    UneditableEntry {
        section: SectionName,
        /// The line in its text, from 1.
        line: usize,
        /// The reason, as a sentence fragment.
        reason: &'static str,
    },
    /// A new entry without a username would map the principal to an empty name.
    #[error("a new mapping needs a username")]
    NeedsUsername { principal: Principal },
    /// The authenticator would drop such an entry, or never match it.
    #[error("such a mapping has no effect: {reason}")]
    Invalid {
        principal: Principal,
        /// The authenticator's message, or awsauth's if there is none.
        reason: String,
    },
    /// The ARN is already in the other list.
    #[error("{arn} is already in {key}", key = section.key())]
    OtherList {
        arn: String,
        /// The other list.
        section: SectionName,
        /// Its line there, from 1; `None` if an edit of the same batch added it.
        line: Option<usize>,
    },
    /// No entry of this principal starts at the line.
    #[error("no such entry starts at line {line} of {key}", key = section.key())]
    NoSuchLine {
        section: SectionName,
        /// The requested line.
        line: usize,
    },
    /// A bug in awsauth: the result is not what was intended.
    #[error("the edited {key} does not read as intended: {detail}", key = section.key())]
    Bug {
        section: SectionName,
        /// What differs.
        detail: String,
    },
}
