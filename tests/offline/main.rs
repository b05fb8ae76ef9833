//! Tests that need only the built program: no cluster, no network, no other tool.
//!
//! Most are text in, text out. The tests of faults start their own server on the loopback interface.

mod api_faults;
mod assume_role_advice;
mod cases;
mod credentials_environment;
mod desired_state;
mod doctor_checks;
mod doctor_credentials;
mod doctor_docs;
mod document_edit;
mod documentation;
mod edit_command;
mod edit_properties;
mod editor_page;
mod endless_aws_responses;
mod instance_metadata;
#[cfg(unix)]
mod invisible_characters;
mod kubeconfig;
mod linear_time;
mod lint;
mod lint_output;
mod manifest;
mod migration;
mod ownership;
mod pipeline_step;
mod pipes_and_shells;
mod reconcile;
mod recorded_documents;
mod recorded_mappings;
mod recorded_tokens;
mod report_formats;
mod repository_address;
mod repository_rules;
#[path = "../support/mod.rs"]
mod support;
mod token_command;
#[cfg(unix)]
mod unmap_confirmation;
mod workflows;
