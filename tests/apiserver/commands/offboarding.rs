//! The script in docs/offboarding.md takes access away in every cluster, and proves it.

use std::process::Command;

use crate::commands::harness::ExclusiveCluster;
use crate::support::completed_run::Run;

const ONCALL: &str = "arn:aws:iam::111122223333:role/oncall";

/// Returns the shell commands of the page.
fn script() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/offboarding.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    blocks.collect()
}

#[test]
fn offboarding_script_removes_access_and_proves_it() {
    let session = ExclusiveCluster::start();
    let contexts = session
        .cluster
        .kubectl(&["config", "get-contexts", "-o", "name"]);
    let script = script().replace("prod staging", contexts.trim());
    let map = [
        "map",
        "role",
        ONCALL,
        "--username",
        "oncall",
        "--group",
        "view",
    ];
    session.done(&map);
    let awsauth = std::path::Path::new(env!("CARGO_BIN_EXE_awsauth"));
    let run = |script: &str| {
        let mut shell = Command::new("sh");
        shell.env_clear().args(["-euc", script]);
        shell.env("HOME", session.cluster.folder());
        shell.env("KUBECONFIG", session.cluster.kubeconfig());
        let folder = awsauth.parent().unwrap().display();
        shell.env("PATH", format!("{folder}:/usr/bin:/bin"));
        Run::of(&mut shell)
    };
    // Without the removal, the proof fails.
    let unremoved = script.replace("awsauth unmap", "true unmap");
    assert_ne!(unremoved, script);
    let failed = run(&unremoved);
    assert_eq!(failed.status, 1, "{failed:?}");
    let done = run(&script);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.stdout.contains("is not mapped"), "{done:?}");
    assert!(done.stdout.contains("offboarding TICKET-1"), "{done:?}");
    assert!(!session.text("mapRoles").contains("oncall"));
}
