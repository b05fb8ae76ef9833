//! Decides which changes AwsAuthMapping objects request, which of them are approved, and what to write. [`decide()`] has no side
//! effects: it receives all input, including the time, and returns what to write.
//!
//! # Who owns an entry
//! Ownership is recorded in the objects' own status, so aws-auth needs no record of it. The entry that an object's
//! [`Status::entry`] names belongs to that object, even if its content has changed. A planned write is recorded in
//! [`Status::pending`] before aws-auth is changed; after a crash, an entry that matches the record also belongs to the object. All
//! other entries belong to other managers and are never changed.
//!
//! # How to call it
//! 1. [`decide()`] at [`Stage::Preparing`], on cached data: carry out [`Decision::prepare`] (finalizers and status).
//! 2. [`decide()`] at [`Stage::Writing`], on the current objects and each [`Snapshot`](crate::snapshot::Snapshot) that a write
//!    reads: carry out [`Decision::plan`].
//! 3. Write [`Decision::reports`] and the [`Decision::events`] of that last decision, and keep its [`Decision::memory`].
//!
//! Deciding again on the result changes nothing: no plan, no different status, no event.

mod config;
mod decide;
mod decision;
mod object;
mod pattern;

pub use config::{Admission, Config, ConfigError, Grant, Protect};
pub use decide::decide;
pub use decision::{
    Decision, Event, EventKind, Input, Memory, ObjectReport, Preparation, Protected, Regarding,
    Repair, Stage,
};
pub use object::{
    Condition, ConditionKind, DeletionPolicy, DriftPolicy, EntryRecord, Object, ObjectKind, Reason,
    Spec, Status,
};
pub use pattern::Pattern;
