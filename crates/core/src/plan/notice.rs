//! Remarks about a plan that do not stop it.

use jiff::Timestamp;

use crate::document::Principal;
use crate::owners_annotation::{Conflict, Kept, Owner};

/// A remark about a plan that does not stop it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The ownership annotation cannot be read, so nothing was claimed or pruned.
    OwnersUnreadable {
        /// The parse error; a fragment.
        reason: String,
    },
    /// The owner has applied nothing yet, or its record was deleted: nothing was pruned.
    NothingToPrune { owner: Owner },
    /// An entry is kept although its owner no longer requests it.
    NotPruned(Kept),
    /// An access entry is kept although its owner no longer requests it: it was changed after the owner applied it, or the record
    /// of its contents is missing.
    EntryNotPruned { principal_arn: String },
    /// An access entry is deleted and created again, because EKS cannot change its type.
    TypeChange {
        principal_arn: String,
        from: String,
        to: String,
    },
    /// The edit changes an entry that belongs to an owner.
    Owned(Conflict),
    /// The mapping of this principal has no effect.
    NoEffect {
        principal: Principal,
        /// Why it has no effect; a clause.
        why: String,
    },
    /// The access of a principal that the edits map ends at a time.
    Expires { principal: Principal, at: Timestamp },
    /// An identity becomes an administrator, or can choose its own username or groups.
    Granted {
        /// The ARN, as written.
        arn: String,
        /// What it becomes; continues a sentence after the ARN.
        what: String,
    },
    /// A guard could not check something.
    NotChecked {
        /// What was not checked; a clause.
        what: String,
        /// The permission or condition that is missing; a fragment.
        needs: String,
    },
}
