//! The history: copies of aws-auth or of access entries from before each write, so that every write can be undone.
//!
//! A [`Revision`] is aws-auth before and after a write, or an [`EntryWrite`], with the user, the time, the reason and the command. Each has its own key in
//! the ConfigMap `awsauth-history`. An [`Addition`] adds one and lists the keys to remove.
//!
//! What a revision wrote is usually what the next one found. Otherwise another client has written in between;
//! [`revision_states`] reports that. The controller records the writes by other clients that it observes.

mod access_entry_write;
mod aws_auth_contents;
mod backup_file;
mod delta;
mod gzip;
mod latest_text;
mod retention;
mod revert;
mod revision;
mod revision_state;
mod unreadable;

pub use access_entry_write::EntryWrite;
pub use aws_auth_contents::{Contents, Digest};
pub use backup_file::{BackupFile, FileError, read_file, write_file};
pub use latest_text::{LatestText, Side, latest_text};
pub use retention::{
    Addition, Key, MAX_REVISIONS, StoredRevision, TooLarge, revisions_from_newest, stored_revisions,
};
pub use revert::{MergeConflict, Reverted, combine, revert};
pub use revision::{CONTROLLER, RESCUE, Revision, Who, is_reason_of_rescue};
pub use revision_state::{RevisionState, revision_states};
pub use unreadable::Unreadable;
