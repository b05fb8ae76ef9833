//! The controller on a real API server, with concurrent changes by other clients.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::print_stderr, reason = "tests print measurements")]

mod access_entries;
mod at_scale;
mod aws_auth_deletion;
mod crd_validation;
mod eks_facts;
mod expiry;
mod forged_status;
mod harness;
mod identity_mappings;
mod large_objects;
mod lifecycle;
mod repeated_conflicts;
mod replicas;
mod slow_requests;
mod soak;
mod status_write_failures;
mod undo;
