//! The webhook, called by a real API server.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod certificates;
mod enforcement_check;
pub(crate) mod harness;
mod http;
mod mapping_requests;
mod reviews;
