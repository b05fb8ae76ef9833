//! The controller's decisions: each rule, and laws for any sequence of changes by objects and other clients.
#![allow(
    clippy::print_stdout,
    reason = "how long it takes is a part of the result"
)]

mod access_entries;
mod behavior;
mod expiry;
mod invariants;
mod kept_access;
mod protection;
mod requesters;
mod scale;
mod simulation;
mod size_budget;
mod unowned_entries;
mod withdrawn_grants;
