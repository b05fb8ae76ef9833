//! What the rules of lint say, held against the authenticator, against slips that were made on purpose, and against what a cluster tells.
#![allow(
    clippy::print_stderr,
    reason = "how much was found is a part of the result"
)]

mod claims;
mod facts;
mod files;
mod recall;
mod slips;
#[path = "../support/mod.rs"]
mod support;
mod told;
