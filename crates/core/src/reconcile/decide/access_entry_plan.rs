//! What to do about the access entries of objects.

use std::collections::BTreeMap;

use super::super::decision::Event;
use super::super::mapping_object::{AccessEntryRecord, Reason};
use super::super::principal_facts::AwsQuery;
use crate::access_entries::EntryChange;

/// The objects whose mapping is or was an access entry.
#[derive(Debug, Default)]
pub(super) struct AccessEntryOutcomes {
    pub(super) objects: BTreeMap<usize, ObjectEntries>,
    /// The entries of objects that do not exist any more, if a grant with `onWithdrawal: Revoke` covered them, or if they had
    /// `deletionPolicy: Delete`.
    pub(super) abandoned: Vec<AbandonedEntry>,
    pub(super) query: AwsQuery,
}

/// An entry whose object does not exist any more: by `deletionPolicy: Retain`, or because a user removed its finalizer.
#[derive(Debug)]
pub(super) struct AbandonedEntry {
    /// The UID of the object.
    pub(super) uid: String,
    pub(super) principal_arn: String,
    /// The deletion of the entry, if no grant covers it any more or its object had `deletionPolicy: Delete`.
    pub(super) revocation: Option<PlannedChange>,
}

/// What to do about the access entries of an object.
#[derive(Debug)]
pub(super) struct ObjectEntries {
    /// Whether the mapping is kept in access entries. Otherwise, the object only has entries that must be deleted.
    pub(super) is_place: bool,
    pub(super) outcome: EntryOutcome,
    /// The deletions of entries whose grant was withdrawn. They do not depend on what else the object requests.
    pub(super) revocations: Vec<PlannedChange>,
    /// The other changes, in order.
    pub(super) changes: Vec<PlannedChange>,
    /// Whether the object owns or may own an entry that EKS did not return.
    pub(super) is_unread: bool,
    /// The principals of the entries that the object owns.
    pub(super) owned: Vec<String>,
    /// The principals of entries that the object owns and no longer requests, and why they are kept.
    pub(super) kept: Vec<(String, String)>,
}

/// A change, with the event to emit after it.
pub(super) type PlannedChange = (EntryChange, Option<Event>);

/// The outcome for an object.
#[derive(Debug)]
pub(super) enum EntryOutcome {
    /// The access entry is as requested.
    Applied {
        record: AccessEntryRecord,
        /// Whether the object owns it. Otherwise, no object does.
        is_owned: bool,
    },
    /// There is nothing to report before the changes are made.
    Pending,
    /// The object has expired.
    Expired(String),
    /// Another client changed the entry, which is only reported.
    Drifted(String),
    Stalled(Reason, String),
}
