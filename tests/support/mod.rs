//! Shared code of the test programs, the benchmarks and the demo: a Kubernetes API server with kubectl,
//! aws-iam-authenticator and a simulated AWS, a fake API server with faults, generated inputs, and the search of all
//! output for secrets.
//!
//! Each program includes it with `#[path = "../support/mod.rs"] mod support;`.
#![allow(dead_code, reason = "each test uses the part it needs")]

pub(crate) mod audit_log;
pub(crate) mod authenticator_oracle;
pub(crate) mod aws_auth_client;
pub(crate) mod browser;
pub(crate) mod certificates;
pub(crate) mod cfn_lint;
pub(crate) mod child_process;
pub(crate) mod cluster;
pub(crate) mod cluster_pool;
pub(crate) mod completed_run;
pub(crate) mod cpu_time;
pub(crate) mod default_signal_actions;
pub(crate) mod dns_server;
pub(crate) mod edit_properties;
pub(crate) mod editor_session;
pub(crate) mod eks;
pub(crate) mod environment;
pub(crate) mod etcd;
pub(crate) mod exclusive_test;
pub(crate) mod fake_api;
pub(crate) mod generated_documents;
pub(crate) mod generated_identities;
pub(crate) mod generated_kubeconfigs;
pub(crate) mod github_action;
pub(crate) mod go_programs;
pub(crate) mod kube_client;
pub(crate) mod kubernetes_proxy;
pub(crate) mod lint_facts;
pub(crate) mod lint_mistakes;
pub(crate) mod moto;
pub(crate) mod parse_comparison;
pub(crate) mod parse_vectors;
pub(crate) mod plain_http;
pub(crate) mod pool;
pub(crate) mod ports;
pub(crate) mod program_output;
pub(crate) mod python;
pub(crate) mod python_server;
pub(crate) mod secrets;
pub(crate) mod server_command_lines;
pub(crate) mod shrink;
pub(crate) mod simulated_aws;
pub(crate) mod simulated_eks_api;
pub(crate) mod static_build;
pub(crate) mod static_users;
pub(crate) mod webhook_client;
pub(crate) mod webhook_secret;
