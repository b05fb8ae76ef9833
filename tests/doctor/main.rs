//! `awsauth doctor`: each rung of the ladder, failing and passing, on real parts.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod accuracy;
#[path = "../live/api.rs"]
#[allow(dead_code, reason = "it is shared")]
mod api;
mod faults;
mod judged;
mod nodes;
mod page;
mod patient;
#[path = "../signin/reviewer.rs"]
#[allow(dead_code, reason = "it is shared")]
mod reviewer;
mod rungs;
#[path = "../signin/session.rs"]
#[allow(dead_code, reason = "it is shared")]
mod session;
#[path = "../support/mod.rs"]
mod support;
