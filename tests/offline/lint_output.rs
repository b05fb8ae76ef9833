//! The machine-readable output of `awsauth lint`, and its fixes.

mod fix;
mod github_limits;
mod sarif;

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
