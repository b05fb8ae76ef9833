//! The commands on a real API server, with concurrent changes by other clients.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod api_server_crash;
mod cluster_selection;
mod concurrent_writers;
mod creation;
mod dry_run;
mod edit;
mod field_managers;
mod halt;
mod history;
mod interrupt;
mod killed_writes;
mod limits;
mod lint;
mod lint_fix;
mod lost_races;
mod merge;
mod ownership;
mod permissions;
mod plugin;
mod rbac;
mod reading;
mod session;
mod slow_connection;
mod wait;
