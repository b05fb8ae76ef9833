//! `awsauth` reads, merges and writes the aws-auth ConfigMap of an EKS cluster.
//!
//! Data flows one way: bytes → [`document`] → [`plan`] → guards → write → verify.
//!
//! ```text
//! main ─ cli ─ commands ─┬─ render     what people and machines read
//!                        ├─ world      where aws-auth is: a manifest or a cluster
//!                        ├─ edge       streams, colour, failures, exit codes
//!                        ├─ probe      what the doctor looks at
//!                        ├─ cluster    Kubernetes: connect, read, write
//!                        ├─ aws        credentials, STS, EKS
//!                        │     ↓ hand plain data down, never clients
//!                        └─ doctor, reconcile, plan, rbac, effect, owners, wanted ── manifest, document, token, trust ── arn ── facts
//! ```
//!
//! Everything below `aws` is the core: no async, no clock, no environment, no I/O.
//! `cargo check --lib --no-default-features` builds it alone.
//!
//! # Not preserved
//! Nothing: bytes that no edit names come out as they went in.

pub mod admission;
pub mod arn;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod doctor;
pub mod document;
pub mod editable;
pub mod effect;
pub mod facts;
pub mod history;
mod json;
pub mod kubeconfig;
pub mod lint;
pub mod manifest;
pub mod owners;
pub mod plan;
pub mod rbac;
pub mod reconcile;
mod shell;
pub mod snapshot;
pub mod terraform;
pub mod token;
pub mod trust;
pub mod wanted;
mod written;
pub mod yaml;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
mod commands;
#[cfg(feature = "controller")]
mod controller;
#[cfg(feature = "cli")]
mod edge;
#[cfg(feature = "cli")]
mod probe;
#[cfg(feature = "cli")]
mod render;
#[cfg(feature = "cli")]
mod world;
