//! The CRD in the manifests is the one that `awsauth crd` prints.

use std::fs;

use crate::manifests::same_rendering::manifests;
use crate::support::completed_run::Run;

#[test]
fn crd_manifest_matches_the_program() {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_awsauth"));
    let run = Run::of(program.env_clear().arg("crd"));
    run.says(0, &[]);
    let file = manifests("chart/files/crd/awsauthmappings.yaml");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &run.stdout).unwrap();
    }
    assert!(
        fs::read_to_string(file).unwrap() == run.stdout,
        "it is out of date: UPDATE_DOCS=1 cargo test --test external_tools crd_manifest"
    );
}
