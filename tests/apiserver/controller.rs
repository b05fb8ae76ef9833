//! The controller on a real API server, with concurrent changes by other clients.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::print_stderr, reason = "tests print measurements")]

mod at_scale;
mod definition;
mod forged_status;
mod harness;
mod identity_mappings;
mod lifecycle;
mod nodes;
mod repeated_conflicts;
mod replicas;
mod undo;
mod unrecordable_changes;
