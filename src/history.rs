//! Kept copies of aws-auth, so that every write can be undone.
//!
//! A [`Revision`] is aws-auth as it was before a write, and what the write made of it, with who, when, why and by which command.
//! Each has a key of its own in the ConfigMap `awsauth-history`; an [`Addition`] adds one and says which have to go.
//!
//! What a revision wrote is what the next one found: where it is not, somebody else has written in between, and
//! [`standings`] says so.

mod chain;
mod command;
mod contents;
mod delta;
mod file;
mod gzip;
mod merge;
mod revert;
mod revision;
mod shelf;

pub use chain::{Standing, standings};
pub use command::{CONTROLLER, text_without_secrets, without_secrets};
pub use contents::{Contents, Digest};
pub use file::{FileError, Filed, read_file, write_file};
pub use merge::{Piece, pieces};
pub use revert::{Overlap, Reverted, combine, revert};
pub use revision::{Revision, Unreadable, Who};
pub use shelf::{Addition, Full, Key, MOST_BYTES, MOST_REVISIONS, Slot, slots};
