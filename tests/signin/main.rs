//! Signing in through the real aws-iam-authenticator, at a real API server.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod session;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
