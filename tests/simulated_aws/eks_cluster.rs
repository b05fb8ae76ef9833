//! Commands on a cluster with a real API server, the real aws-iam-authenticator and a simulated EKS API.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod access_entries;
mod access_entry_backend;
mod authentication_mode;
mod authenticator_add_command;
mod cluster_creation;
pub(crate) mod cluster_name;
mod exec_plugin;
mod faults_at_writes;
mod fleet;
mod generated_identities;
mod guides;
pub(crate) mod harness;
mod identity_kinds;
mod lint;
mod lockout_guards;
mod lockout_incidents;
mod map_sso;
mod migrate_apply;
mod migrate_forms;
mod migrate_plan;
mod migrated_identities;
mod node_facts;
mod nodes;
mod offboarding;
mod peers_page;
mod pipeline;
mod real_cluster;
mod rescue;
mod rollback;
mod secrets_in_output;
mod token_acceptance;
mod token_renewal;
pub(crate) mod token_review;
mod trusted_endpoint;
mod unused;
mod username_templates;
mod verify_command;
mod whoami;
mod write_verification;
