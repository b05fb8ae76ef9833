//! Decides which changes AwsAuthMapping objects request, which of them are approved, and what to write. [`decide()`] has no side
//! effects: it receives all input, including the time, and returns what to write.
//!
//! # Who owns an entry
//! aws-auth needs no record of ownership. The entry that an object's [`Status::entry`] names belongs to that object, even if its
//! content has changed, if the [`OwnershipRecord`] proves it: users may be able to write a status, but only the controller writes
//! the record. A planned write is recorded in [`Status::pending`] and in the record before aws-auth is changed; after a crash, an
//! entry that matches both also belongs to the object. All other entries belong to other managers and are never changed, and
//! neither are those of protected ARNs.
//!
//! An access entry belongs to an object if its tag [`OWNER_TAG`] names the object's UID and the record contains both. Nothing in a
//! status is needed for that.
//!
//! # How to call it
//! 1. [`decide()`] at [`Stage::Preparing`], on cached data: carry out [`Decision::prepare_record`], then [`Decision::prepare`]
//!    (finalizers and status).
//! 2. [`decide()`] at [`Stage::Writing`], on the current objects and each [`Snapshot`](crate::aws_auth_snapshot::Snapshot) that a write
//!    reads: carry out [`Decision::plan`].
//! 3. Carry out [`Decision::entry_changes`], unless the plan changed aws-auth. Then decide again, on the access entries after that.
//! 4. Write [`Decision::record`], [`Decision::reports`] and the [`Decision::events`] of that last decision, and keep its
//!    [`Decision::memory`].
//!
//! Deciding again on the result changes nothing: no plan, no different status, no event.

mod config;
mod decide;
mod decision;
mod expired_objects;
mod mapping_object;
mod ownership_record;
mod principal_facts;
mod requester_check;

pub use config::{Admission, Config, ConfigError, Grant, OnWithdrawal, Protect, Requesters};
pub use decide::{OWNER_TAG, decide};
pub use decision::{
    AccessEntryChange, AccessEntryFailure, AwsAuthWriter, Decision, Event, EventKind, Input,
    Memory, ObjectReport, Preparation, Protected, Regarding, Repair, Stage, UnlistedAccessEntries,
};
pub use expired_objects::needs_server_time;
pub use mapping_object::{
    AccessEntryRecord, Condition, ConditionKind, DeletionPolicy, DriftPolicy, EntryRecord,
    InvalidSpec, Object, ObjectKind, Reason, Spec, Status,
};
pub use ownership_record::OwnershipRecord;
pub use principal_facts::{AwsFacts, AwsQuery};
pub use requester_check::check_requester;
