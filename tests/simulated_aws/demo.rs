//! `./demo` runs to its end and leaves nothing behind, unless `--keep` is set.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::program_output;
use crate::support::secrets::Prints;

const ENGINEER: &str = "arn:aws:iam::111122223333:role/ops";

/// Lines of the output, in order.
const STORY: [&str; 19] = [
    "instance$ awsauth whoami --allow-endpoint 127.0.0.1\narn:aws:sts::111122223333:assumed-role/mytestrole/i-0123456789abcdef0\n",
    "instance$ kubectl auth whoami\nerror: You must be logged in to the server (Unauthorized)\n",
    "arn:aws:iam::111122223333:role/mytestrole is not mapped\n",
    "mapping role/mytestrole created\n",
    "Groups                                                 [system:masters system:authenticated]\n",
    "instance$ kubectl auth can-i '*' '*'\nyes\n",
    "refused (node-guard)",
    "mapping role/mytestrole deleted\n",
    "mapping role/ops created\n",
    "engineer$ awsauth get --cluster-name my-cluster\n",
    "configmap/aws-auth replaced\n",
    "the API server does not accept the credentials\n",
    "10. Remove your access entry\n",
    "  result:            Another way into the cluster is proven.\n",
    "system:masters",
    "You signed in through your access entry, with the same username and permissions.\n",
    "have an access entry with the same access.\n",
    "mapping role/ops deleted\n",
    "aws-auth is kept, and has no effect.\n",
];

/// Runs the demo with its own folder for temporary files.
fn demo(arguments: &[&str], temporary: &Path) -> String {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo"));
    command.args(arguments).env("TMPDIR", temporary);
    // Cargo's variables for tests would cause rebuilds.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_") && !["CARGO_HOME", "CARGO_TARGET_DIR"].contains(&&*name) {
            command.env_remove(name);
        }
    }
    let done = program_output::output(command.stdin(Stdio::null()));
    let [stdout, stderr] =
        [&done.stdout, &done.stderr].map(|message| String::from_utf8_lossy(message));
    assert!(done.status.success(), "{}\n{stdout}{stderr}", done.status);
    stdout.into_owned()
}

fn is_named_by_a_process(folder: &Path) -> bool {
    let mut list = Command::new("ps");
    // The list contains programs of other users, with all their arguments.
    let listed = program_output::output_of(list.args(["-A", "-o", "args="]), Prints::Credentials);
    String::from_utf8_lossy(&listed.stdout).contains(&*folder.to_string_lossy())
}

#[track_caller]
fn assert_nothing_is_left(temporary: &Path) {
    let deadline = Instant::now() + Duration::from_secs(180);
    loop {
        let left: Vec<_> = fs::read_dir(temporary).unwrap().flatten().collect();
        if left.is_empty() && !is_named_by_a_process(temporary) {
            return;
        }
        assert!(Instant::now() < deadline, "left behind: {left:?}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn demo_runs_to_the_end_and_cleans_up() {
    let temporary = tempfile::tempdir().unwrap();
    let output = demo(&[], temporary.path());
    let mut rest = output.as_str();
    for line in STORY {
        let at = rest.find(line);
        let at = at.unwrap_or_else(|| panic!("no {line:?} where it belongs in\n{output}"));
        rest = &rest[at + line.len()..];
    }
    assert_nothing_is_left(temporary.path());
}

#[test]
fn demo_with_keep_leaves_the_cluster_running() {
    let temporary = tempfile::tempdir().unwrap();
    let output = demo(&["--keep"], temporary.path());
    let line = |begins: &str| {
        let mut lines = output.lines().filter_map(|line| line.strip_prefix(begins));
        lines
            .next_back()
            .unwrap_or_else(|| panic!("no {begins}… in\n{output}"))
    };
    let (pid, engineer) = (line("kill "), line(". "));
    let sh = |script: &str| {
        let mut shell = Command::new("/bin/sh");
        let done = program_output::output(shell.env_clear().args(["-c", script]));
        (
            done.status.code(),
            String::from_utf8_lossy(&done.stdout).into_owned(),
        )
    };
    let [creator, instance] = ["creator", "instance"]
        .map(|actor| engineer.replace("engineer.env", &format!("{actor}.env")));
    let script = format!(
        ". {creator}; KUBECONFIG={} kubectl auth can-i '*' '*'",
        line("export KUBECONFIG=")
    );
    assert_eq!(sh(&script), (Some(0), "yes\n".to_owned()));
    assert_eq!(sh(&format!(". {instance}; kubectl auth whoami")).0, Some(1));
    let map = format!("awsauth map role {ENGINEER} --username ops --group system:masters");
    assert_eq!(sh(&format!(". {creator}; {map}")).0, Some(0));
    let plan = format!(". {engineer}; awsauth migrate --cluster-name my-cluster");
    let deadline = Instant::now() + Duration::from_secs(60);
    // The authenticator needs a moment to notice the mapping.
    while sh(&plan).0 != Some(0) {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(200));
    }
    assert_eq!(sh(&format!("kill {pid}")).0, Some(0));
    assert_nothing_is_left(temporary.path());
}
