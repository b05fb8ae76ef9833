//! Tests that need only the built program: no cluster, no network, no other tool.
//!
//! Most are text in, text out. The tests of faults start their own server on the loopback interface.

mod api_faults;
mod cases;
mod credentials_environment;
mod desired_state;
mod doctor_checks;
mod doctor_page;
mod document_edit;
mod documentation;
mod edit_command;
mod edit_laws;
mod edit_page;
mod instance_metadata;
mod kubeconfig;
mod linear_time;
mod lint;
mod lint_output;
mod manifest;
mod ownership;
mod reconcile;
mod recorded_documents;
mod recorded_mappings;
mod recorded_tokens;
mod repository;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod token_command;
mod trust;
