//! `awsauth doctor`: each check, failed and passed, against real servers.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod accuracy;
mod checks;
mod faults;
mod harness;
mod nodes;
