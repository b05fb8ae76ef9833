//! Signing in at a real API server through the real aws-iam-authenticator.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod access_entries;
mod authentication_mode;
mod cluster_creation;
mod cluster_name;
mod end_to_end;
mod guards;
mod identities;
mod incidents;
mod lint;
mod node_facts;
mod other_tools;
mod pipeline;
mod plugin;
mod rollback;
mod secrets_in_output;
pub(crate) mod session;
mod templates;
mod token_renewal;
pub(crate) mod token_review;
mod tokens;
mod verify;
mod whoami;
mod write_verification;
