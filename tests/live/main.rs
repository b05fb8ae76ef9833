//! The real program on a real API server: what people do with it, and what others do meanwhile.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod api;
mod choice;
mod crash;
mod creation;
mod crowd;
mod dry_run;
mod edit;
mod halt;
mod history;
mod interrupt;
mod keepers;
mod killed;
mod limits;
mod lint;
mod losing;
mod mend;
mod merge;
mod ownership;
mod permission;
mod plugin;
mod rbac;
mod reading;
mod session;
mod slow;
#[path = "../support/mod.rs"]
mod support;
mod wait;
