//! The aws-auth document and everything that can be decided about it without I/O.
//!
//! Data flows one way: text → [`document`] → [`plan`] → guards. Other crates read and write; they pass what they read, the time and
//! the environment as arguments.
//!
//! An edit preserves every byte that it does not name.

pub mod access_entries;
pub mod access_report;
pub mod admission;
pub mod arn;
pub mod assume_role_advice;
pub mod authenticator;
pub mod aws_auth_snapshot;
mod deadline;
pub mod desired;
pub mod doctor;
pub mod document;
pub mod edit_buffer;
pub mod endpoint_trust;
pub mod entry_selection;
pub mod error_chain;
pub mod escape;
pub mod expiry;
pub mod facts;
pub mod helm_jinja_syntax;
pub mod history;
mod indentation;
pub mod kubeconfig;
mod line_merge;
pub mod lint;
pub mod manifest;
pub mod near_name;
pub mod node_report;
pub mod owners_annotation;
pub mod permission_set;
pub mod plan;
pub mod rbac;
pub mod reconcile;
pub mod redact;
pub mod shell_quote;
pub mod sign_in_log;
pub mod terraform_show;
pub mod token;
pub mod unused_access;
pub mod wildcard_pattern;
