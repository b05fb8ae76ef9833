//! What lint answers to machines, and what it mends.

mod limits;
mod mend;
mod sarif;

#[path = "../support/secrets.rs"]
#[allow(dead_code, reason = "no stand-in hands out any here")]
mod secrets;

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of cases for lint.
fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/lint");
    let entries = fs::read_dir(folder).expect("the cases");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}
