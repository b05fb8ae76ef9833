//! Tests that compare with other programs: the code of aws-iam-authenticator, botocore, the AWS CLI, kubectl, helm,
//! promtool, cfn-lint, parsers of HCL and YAML, pre-commit, and the linker.

mod authenticator_documents;
mod authenticator_identities;
mod authenticator_tokens;
mod authenticator_vectors;
mod botocore_tokens;
mod kubeconfig_command;
mod lint_claims;
mod manifests;
mod migration_forms;
mod real_cluster;
mod release;
mod report_page;
mod sarif_schema;
mod static_binary;
#[path = "../support/mod.rs"]
mod support;
