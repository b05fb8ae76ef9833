//! What is around a release and what pipelines take from it: the installer, the archives, the plugin's manifest, the package, the hooks
//! of pre-commit. The release page can't be reached from a test, so that a `curl` of our own answers for it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod hooks;
mod install;
mod plugin;
mod release;
#[path = "../support/mod.rs"]
mod support;

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
