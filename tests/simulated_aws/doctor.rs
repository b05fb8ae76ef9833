//! `awsauth doctor`: each check, failed and passed, against real servers.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod diagnosis;
mod harness;
mod headline_accuracy;
mod injected_faults;
mod nodes;
