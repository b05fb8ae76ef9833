//! The pages that repeat what the program says are held against the program.

use std::fs;
use std::path::Path;

#[test]
fn the_reference_is_the_programs_own_help() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let reference = awsauth::cli::reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &reference).expect("docs/cli.md");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == reference,
        "docs/cli.md is out of date: UPDATE_DOCS=1 cargo test --test docs"
    );
}
