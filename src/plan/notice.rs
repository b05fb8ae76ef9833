use crate::document::Principal;
use crate::owners::{Conflict, Kept, Owner};

/// Something to tell, which stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The ownership annotation cannot be read, so nothing was claimed or pruned.
    OwnersUnreadable {
        /// Why not; a fragment.
        reason: String,
    },
    /// This owner has applied nothing yet, or its record is gone: nothing was pruned.
    NothingToPrune {
        /// The owner.
        owner: Owner,
    },
    /// An entry that its owner no longer wants stays all the same.
    NotPruned(Kept),
    /// The edit changes an entry that somebody has applied as theirs.
    Owned(Conflict),
    /// What the edit says of this principal counts for nothing.
    Hidden {
        /// Who.
        principal: Principal,
        /// Why not; a clause.
        why: String,
    },
    /// Somebody comes to be an administrator, or whoever they choose to be.
    Granted {
        /// Who, as written.
        arn: String,
        /// What they become; what follows their name.
        what: String,
    },
    /// A guard could not look at something.
    NotChecked {
        /// At what; a clause.
        what: String,
        /// What it would take; a fragment.
        needs: String,
    },
}
