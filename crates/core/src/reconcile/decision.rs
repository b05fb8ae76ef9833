//! The input and the output of a decision.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::config::Config;
use super::mapping_object::{EntryRecord, Object, Status};
use super::ownership_record::OwnershipRecord;
use super::principal_facts::{AwsFacts, AwsQuery};
use crate::access_entries::EntryChange;
use crate::arn::comparable;
use crate::authenticator::AccessEntries;
use crate::aws_auth_snapshot::Snapshot;
use crate::document::edit::Edit;
use crate::facts::node_inventory::NodeInventory;
use crate::plan::{Facts, Guard, Known, Plan};

/// The input of a decision.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub stage: Stage,
    pub config: &'a Config,
    /// All objects, in any order.
    pub objects: &'a [Object],
    /// Which object owns which entry.
    pub record: &'a OwnershipRecord,
    /// The stored aws-auth; empty if there is none.
    pub stored: &'a Snapshot,
    /// The clients that last wrote the sections of aws-auth, in the order of [`SectionName::ALL`](crate::document::SectionName::ALL).
    pub last_writers: &'a [AwsAuthWriter; 3],
    pub memory: &'a Memory,
    /// The facts that guards need.
    pub facts: &'a Facts,
    /// The cluster's access entries; `None` if unknown.
    pub access_entries: Option<&'a Arc<AccessEntries>>,
    /// Which of them may be missing there.
    pub unlisted_access_entries: &'a UnlistedAccessEntries,
    /// The answers to the last [`Decision::aws_query`].
    pub aws: &'a AwsFacts,
    /// The roles of the cluster's nodes, or what is needed to find them.
    pub node_inventory: &'a Known<NodeInventory>,
    pub now: Timestamp,
    /// The time of the API server, which [`needs_server_time`](super::needs_server_time) requests.
    pub server_time: Option<Timestamp>,
}

/// The access entries that may exist although EKS did not list them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnlistedAccessEntries {
    /// Any: another replica may have created them.
    pub any: bool,
    /// Those of these principals, whose ARNs are [`comparable`].
    pub principals: BTreeSet<String>,
}

impl UnlistedAccessEntries {
    pub(super) fn may_include(&self, principal_arn: &str) -> bool {
        self.any || self.principals.contains(&comparable(principal_arn))
    }

    pub(super) fn are_none(&self) -> bool {
        !self.any && self.principals.is_empty()
    }
}

/// A client that wrote aws-auth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsAuthWriter {
    /// Its field manager; `None` if unknown or if it was the controller itself.
    pub manager: Option<String>,
    /// The user behind it, if the history names one.
    pub user: Option<String>,
}

/// The purpose of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Find out what must be recorded in objects. The plan contains what would be written after that.
    Preparing,
    /// Write. Changes that are not recorded in an object are deferred: the plan omits them, and the object's status stays unchanged.
    Writing,
}

/// The output of a decision.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The record that must be stored before objects and aws-auth are written; `None` if it already is.
    pub prepare_record: Option<OwnershipRecord>,
    /// What must be recorded in objects before aws-auth is written.
    pub prepare: Vec<Preparation>,
    /// The write, which no guard refuses; `None` if there is nothing to write.
    pub plan: Option<Plan>,
    /// The changes to access entries, in order. Must not be made if the plan is carried out or may have been: then the guards do not know
    /// all of aws-auth.
    pub entry_changes: Vec<AccessEntryChange>,
    /// What the decision needs to know from AWS.
    pub aws_query: AwsQuery,
    /// The record to store once the plan is carried out, if it differs.
    pub record: OwnershipRecord,
    /// What to report in each object once the plan is carried out, in the order of [`Input::objects`].
    pub reports: Vec<ObjectReport>,
    /// The events to emit once the plan is carried out.
    pub events: Vec<Event>,
    /// How many entries are missing that [`Protect::arns`](super::Protect::arns) lists.
    pub missing_protected: usize,
    /// The guards that refused a change, once per refusal.
    pub refused: Vec<Guard>,
    /// Why the controller does nothing, such as the authentication mode API; a sentence.
    pub idle: Option<String>,
    /// Whether the plan, or that there is none, depends on [`Input::node_inventory`], which must then be current: EKS removes the entry of a node group that it
    /// deletes, and the controller must not restore that entry.
    pub needs_fresh_inventory: bool,
    /// The state to keep once the plan is carried out.
    pub memory: Memory,
    /// Whether changes were deferred because they are not recorded yet.
    pub has_deferred: bool,
    /// When the next decision is due even if no object and no aws-auth changes.
    pub retry_at: Option<Timestamp>,
}

impl Decision {
    /// Returns whether access may end: such a change must not wait for requests about other objects.
    pub fn removes_access(&self) -> bool {
        let outcomes = self.plan.iter().flat_map(|plan| &plan.outcomes);
        let mut edits = outcomes.map(|(edit, _)| edit);
        let mut changes = self.entry_changes.iter();
        edits.any(|edit| matches!(edit, Edit::Unmap { .. }))
            || changes.any(|change| change.change.after.is_none())
    }
}

/// The change to an access entry for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntryChange {
    /// The index in [`Input::objects`]; `None` if the object does not exist any more.
    pub object: Option<usize>,
    /// The UID of the object. All changes for an object follow one another.
    pub uid: String,
    pub change: EntryChange,
    /// The event to emit once the change is made.
    pub event: Option<Event>,
}

/// A failed change to an access entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntryFailure {
    /// The generation of the object; 0 if it does not exist any more.
    pub generation: i64,
    /// Whether the change deletes an entry.
    pub is_removal: bool,
    /// Why it failed and what to do; a sentence fragment.
    pub message: String,
    /// How often it failed in a row.
    pub count: u32,
    pub retry_at: Timestamp,
}

/// What must be recorded in an object before aws-auth is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// The index in [`Input::objects`].
    pub object: usize,
    /// Whether to add the finalizer. Always false for an IAMIdentityMapping.
    pub finalizer: bool,
    /// The status to write; `None` if it is already recorded.
    pub status: Option<Status>,
}

/// The report for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectReport {
    /// The status to write, if it differs.
    pub status: Status,
    /// Whether to remove the finalizer, if present: the controller need not act when the object is deleted.
    pub remove_finalizer: bool,
}

/// A Kubernetes event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub regarding: Regarding,
    /// The `type` of the event.
    pub kind: EventKind,
    pub reason: &'static str,
    pub message: String,
}

/// The object to which an event refers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regarding {
    /// An index in [`Input::objects`].
    Object(usize),
    /// The ConfigMap aws-auth.
    AwsAuth,
}

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    Normal,
    Warning,
}

/// State between reconciliations. After its loss, the controller does not know which protected entries were removed, and may repair
/// a contested entry three more times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The last known protected entries, by folded ARN.
    pub protected: BTreeMap<String, Protected>,
    /// The folded ARNs whose entry is missing and was never seen, as an event has reported.
    pub never_seen: BTreeSet<String>,
    /// The withdrawn entries of vanished objects that cannot be removed, by store or section and folded ARN or account, as an event has
    /// reported.
    pub not_revoked: BTreeSet<String>,
    /// The repairs that may count as a conflict, by section and folded ARN or account.
    pub repairs: BTreeMap<String, Vec<Repair>>,
    /// Who last changed or removed an entry, by section and folded ARN or account, unless it was the controller itself. The last writer of
    /// aws-auth may have changed something else.
    pub changed_by: BTreeMap<String, AwsAuthWriter>,
    /// The failed changes to access entries, by the UID of their object.
    pub entry_failures: BTreeMap<String, AccessEntryFailure>,
}

/// A protected entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protected {
    pub entry: EntryRecord,
    /// Whether an event has reported that the entry is missing.
    pub is_reported: bool,
}

/// A repair of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    pub at: Timestamp,
    /// The field manager whose change was reverted; `None` if unknown.
    pub manager: Option<String>,
    /// The UID and the generation of the entry's object; `None` for a protected entry.
    pub object: Option<(String, i64)>,
}
