//! The commands on a real API server, with concurrent changes by other clients.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod ack_access_entry;
mod api_server_crash;
mod aws_auth_creation;
mod cluster_and_file;
mod cluster_selection;
mod concurrent_writers;
mod ctrl_c;
mod dry_run;
mod edit;
mod expiring_access;
mod field_managers;
mod fleet;
mod fleet_of_many;
mod get_watch;
mod halting_proxy;
pub(crate) mod harness;
mod history;
mod killed_writes;
mod kubectl_plugin;
mod lint;
mod lint_fix;
mod lost_races;
mod minimal_changes;
mod permissions;
mod prune_ownership;
mod rbac;
mod refused_writes;
mod selected_entries;
mod slow_proxy;
mod wait_flag;
mod who_can;
mod who_can_agreement;
