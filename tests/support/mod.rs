//! What the test programs, the benches and the demo share: a Kubernetes API server with kubectl, aws-iam-authenticator and an AWS for it,
//! an API server that fails as asked, generated inputs, and the search of all output for secrets.
//!
//! Each program declares it as `#[path = "../support/mod.rs"] mod support;`.
#![allow(dead_code, reason = "each test uses the part it needs")]

pub(crate) mod access;
pub(crate) mod action;
pub(crate) mod audit;
pub(crate) mod aws;
pub(crate) mod aws_auth_client;
pub(crate) mod certificates;
pub(crate) mod child_process;
pub(crate) mod cluster;
pub(crate) mod cpu_time;
pub(crate) mod dns;
pub(crate) mod editor_session;
pub(crate) mod eks;
pub(crate) mod eks_service;
pub(crate) mod environment;
pub(crate) mod exclusive;
pub(crate) mod fake_api;
pub(crate) mod generate;
pub(crate) mod go_programs;
pub(crate) mod identities;
pub(crate) mod kubeconfigs;
pub(crate) mod laws;
pub(crate) mod lint_facts;
pub(crate) mod moto;
pub(crate) mod oracle;
pub(crate) mod pool;
pub(crate) mod ports;
pub(crate) mod python;
pub(crate) mod reading;
pub(crate) mod run;
pub(crate) mod secrets;
pub(crate) mod servers;
pub(crate) mod shrink;
pub(crate) mod signals;
pub(crate) mod slips;
pub(crate) mod static_build;
pub(crate) mod vectors;
pub(crate) mod webhook_secret;
