//! Tests on a real Kubernetes API server, which `tests/support/cluster.rs` starts: the commands, the controller, and the webhook.

mod commands;
mod controller;
#[path = "../support/mod.rs"]
mod support;
mod webhook;
