//! The content of `manifests/`: rendered by kubectl and helm, accepted by a real API server, checked by promtool; the
//! permissions of the service account, and the two admission policies.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod api_server_accepts;
mod chart;
mod cluster_with_manifests;
mod crd;
mod dockerfile;
mod grant_policy;
mod guard_policy;
mod monitoring;
mod pod_security;
mod rbac;
mod same_rendering;
mod sufficient_permissions;
