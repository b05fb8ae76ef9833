//! The real API server asks the real webhook: what it refuses, what it lets through, and what is seen of it when it is not asked.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod asked;
mod certificates;
mod guarded;
mod judged;
#[path = "../support/mod.rs"]
mod support;
mod wire;
