//! What stands in `manifests/`: rendered by the real kubectl and helm, accepted by the real API server, judged by promtool; what the
//! service account may do, and what the two policies deny.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod accepted;
mod chart;
mod grants;
mod guard;
mod image;
mod monitoring;
mod pods;
mod rbac;
mod rendered;
mod running;
mod site;
#[path = "../support/mod.rs"]
mod support;
