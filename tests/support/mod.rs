//! Real parts for tests and benches: a Kubernetes API server, kubectl, and aws-iam-authenticator's
//! own reading of aws-auth; the authenticator itself, and an AWS for it.
//!
//! Not a test of its own (hence `mod.rs`, which cargo does not take for one):
//! tests say `mod support;`, benches `#[path = "../tests/support/mod.rs"] mod support;`.
#![allow(dead_code, reason = "each test uses the part it needs")]

pub(crate) mod access;
pub(crate) mod action;
pub(crate) mod audit;
pub(crate) mod aws;
pub(crate) mod certificates;
pub(crate) mod cluster;
pub(crate) mod desk;
pub(crate) mod eks;
pub(crate) mod eks_service;
pub(crate) mod environment;
pub(crate) mod generate;
pub(crate) mod identities;
pub(crate) mod laws;
pub(crate) mod moto;
pub(crate) mod oracle;
pub(crate) mod ports;
pub(crate) mod python;
pub(crate) mod reading;
pub(crate) mod run;
pub(crate) mod secrets;
pub(crate) mod servers;
pub(crate) mod shrink;
pub(crate) mod static_build;
pub(crate) mod supervised;
pub(crate) mod toolchain;
pub(crate) mod turns;
pub(crate) mod vectors;
pub(crate) mod webhook_secret;
