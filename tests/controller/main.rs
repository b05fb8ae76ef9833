//! The real controller on a real API server: what objects ask for, what others do meanwhile, and what becomes of both.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::print_stderr, reason = "what was measured is told")]

mod at_scale;
mod definition;
mod desk;
mod fights;
mod identity_mappings;
mod nodes;
mod replicas;
mod story;
mod stuck;
#[path = "../support/mod.rs"]
mod support;
mod undo;
