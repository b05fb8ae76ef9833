//! Signing in through the real aws-iam-authenticator, at a real API server.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod access_entries;
mod accidents;
#[path = "../live/api.rs"]
#[allow(dead_code, reason = "it is shared")]
mod api;
mod by_name;
mod by_name_creation;
mod by_name_mode;
mod fleet;
mod guards;
mod identities;
mod lint;
mod lockout;
mod peers;
mod pipeline;
mod plugin;
mod renewal;
mod reviewer;
mod session;
mod silence;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod templates;
mod tokens;
mod verify;
mod whoami;
mod witness;
