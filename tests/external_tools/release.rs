//! The release and the files that pipelines use: the installer, the archives, the krew manifest, the package, and the
//! pre-commit hooks.
//!
//! Tests cannot reach the release page, so a fake `curl` responds for it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod archives_chart_crate;
mod installer;
mod krew_manifest;
mod platforms_and_version;
mod pre_commit_hooks;

use std::fs;
use std::path::Path;

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The platforms of a release, as archives name them.
const PLATFORMS: [&str; 5] = [
    "linux_amd64",
    "linux_arm64",
    "darwin_amd64",
    "darwin_arm64",
    "windows_amd64",
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}
