//! What AwsAuthMapping objects ask of aws-auth, what of it is approved, and what is to be done about it. Pure: [`decide()`] is given
//! everything, time included, and gives back what to write where.
//!
//! # Who owns an entry
//! The objects' own status says it, so that aws-auth needs no record however many there are: an entry that an object's
//! [`Status::entry`] names is that object's, whatever it says by now. What is about to be written is recorded in
//! [`Status::pending`] before aws-auth is; after a crash, an entry that reads as recorded there is the object's, too. Every
//! other entry is somebody else's and is never touched.
//!
//! # How to call it
//! 1. [`decide()`] at [`Stage::Preparing`], on what caches hold: carry out [`Decision::prepare`], finalizers and status.
//! 2. [`decide()`] at [`Stage::Writing`], on the objects as they are then and each [`Snapshot`](crate::snapshot::Snapshot) that a write
//!    reads: carry out [`Decision::plan`].
//! 3. Report [`Decision::states`] and [`Decision::events`] of that last decision, and keep its [`Decision::memory`].
//!
//! A look at what is there then changes nothing: no plan, no other status, no event.

mod config;
mod decide;
mod object;
mod pattern;
mod view;

pub use config::{Admission, Config, ConfigError, Grant, Protect};
pub use decide::decide;
pub use object::{
    Condition, ConditionKind, DeletionPolicy, DriftPolicy, Object, ObjectKind, Reason, Recorded,
    Spec, Status,
};
pub use pattern::Pattern;
pub use view::{
    About, Decision, Event, EventKind, Memory, Preparation, Protected, Repair, Stage, State, View,
};
