//! Which kubeconfig file is written, and how.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::kubeconfig_command::harness::{ENDPOINT, Harness};
use crate::support::completed_run::Run;
use crate::support::go_programs::Binary;

const OTHER: &str = "clusters:\n- name: other\n  cluster: {server: x} # mine\n";

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).expect("a file");
    metadata.permissions().mode() & 0o7777
}

/// Returns the current context as kubectl reads it from the harness's files.
fn kubectl(harness: &Harness) -> Value {
    let mut command = harness.command(&Binary::Kubectl.path());
    let run = Run::of(command.args(["config", "view", "--raw", "--minify", "-o", "json"]));
    run.says(0, &[]);
    run.json()
}

#[test]
fn missing_file_is_created_with_mode_0600() {
    let harness = Harness::new();
    let run = harness.kubeconfig_prod(&[]);
    run.says(0, &["Wrote ", "/.kube/config."]);
    assert_eq!(
        run.stdout,
        "cluster prod added\nuser prod added\ncontext prod added\ncurrent-context prod set\n"
    );
    assert_eq!(mode(&harness.path(".kube/config")), 0o600);
    let view = kubectl(&harness);
    assert_eq!(view["clusters"][0]["cluster"]["server"], ENDPOINT);
    let exec = &view["users"][0]["user"]["exec"];
    assert_eq!(exec["command"], env!("CARGO_BIN_EXE_awsauth"));
    assert_eq!(
        exec["args"],
        serde_json::json!(["token", "--cluster-name", "prod", "--region", "eu-west-1"])
    );
    assert_eq!(exec["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(exec["interactiveMode"], "Never");
    assert_eq!(exec["env"], Value::Null);

    let before = harness.read(".kube/config");
    let run = harness.kubeconfig_prod(&[]);
    run.says(0, &["/.kube/config needs no change."]);
    assert_eq!(run.stdout.matches(" unchanged\n").count(), 4);
    assert_eq!(harness.read(".kube/config"), before);
}

#[test]
fn symlinks_are_kept_and_permissions_are_tightened() {
    let harness = Harness::new();
    harness.write("real/config", OTHER);
    fs::set_permissions(
        harness.path("real/config"),
        fs::Permissions::from_mode(0o644),
    )
    .expect("chmod");
    fs::create_dir(harness.path(".kube")).expect("a folder");
    symlink("../real/config", harness.path(".kube/config")).expect("a link");
    harness.kubeconfig_prod(&[]).says(0, &["Wrote "]);
    assert!(harness.path(".kube/config").is_symlink());
    assert_eq!(mode(&harness.path("real/config")), 0o600);
    assert!(harness.read("real/config").starts_with(OTHER));
    assert_eq!(
        fs::read_dir(harness.path("real"))
            .expect("a folder")
            .count(),
        1
    );
}

#[test]
fn file_that_has_the_cluster_is_written_else_the_first() {
    let ours = "clusters:\n- name: prod\n  cluster: {server: old}\n";
    let harness = Harness::new();
    harness.write("one", "current-context: mine\n");
    harness.write("broken", "clusters: [\n");
    harness.write("three", ours);
    let list = format!("missing::one:{}:three", harness.path("broken").display());
    let harness = harness.with("KUBECONFIG", &list);
    let run = harness.kubeconfig_prod(&[]);
    run.says(
        0,
        &[
            "warning: cannot read ",
            "broken: line 2: not YAML",
            "Wrote three.",
            "warning: kubectl still uses context mine, because one takes precedence",
            "hint: kubectl config use-context prod",
        ],
    );
    assert!(harness.read("three").contains(ENDPOINT));
    assert_eq!(harness.read("one"), "current-context: mine\n");
    assert!(!harness.path("missing").exists());

    // A file that is named explicitly is used.
    harness
        .kubeconfig_prod(&["--kubeconfig", "named/file"])
        .says(0, &["Wrote named/file."]);
    assert!(harness.read("named/file").contains(ENDPOINT));

    let harness = harness.with("KUBECONFIG", "missing:one");
    harness.kubeconfig_prod(&[]).says(0, &["Wrote missing."]);
    let harness = harness.with("KUBECONFIG", ":");
    harness.kubeconfig_prod(&[]).says(0, &["/.kube/config."]);
    let harness = harness.with("KUBECONFIG", "broken:one");
    harness
        .kubeconfig_prod(&[])
        .says(2, &["cannot read broken: line 2: not YAML", "fix line 2"]);
}

#[test]
fn unwritable_file_is_reported() {
    let harness = Harness::new();
    for (text, status, message) in [
        (
            "kind: Pod\n",
            2,
            "cannot read config: line 1: not a kubeconfig: its kind is Pod",
        ),
        (
            "users:\n- name: prod\n  user: {token: hush}\n",
            4,
            "refused (lossy-edit): cannot change config: line 3: the user \"prod\" signs in with token, which would be lost",
        ),
        ("users: &x []\n", 2, "users has the anchor &x"),
        (
            "users:\n- name: prod\n  user: &x {}\n",
            4,
            "has the anchor &x",
        ),
    ] {
        harness.write("config", text);
        for mode in [&[][..], &["--dry-run"], &["--print"]] {
            let run = harness.kubeconfig_prod(&[&["--kubeconfig", "config"], mode].concat());
            run.says(status, &[message, "hint: "]);
            assert!(!run.stderr.contains("hush"));
        }
        assert_eq!(harness.read("config"), text);
    }
    fs::write(harness.path("config"), b"\xff\xfek\0").expect("a file");
    let named = ["--kubeconfig", "config"];
    harness
        .kubeconfig_prod(&named)
        .says(2, &["it is UTF-16", "UTF-8"]);
    fs::write(harness.path("config"), b"a: \xe9").expect("a file");
    harness.kubeconfig_prod(&named).says(2, &["octet"]);
    fs::create_dir(harness.path("folder")).expect("a folder");
    harness
        .kubeconfig_prod(&["--kubeconfig", "folder"])
        .says(2, &["cannot write folder: it is not a regular file"]);
    harness
        .kubeconfig_prod(&["--kubeconfig", "/proc/none/x"])
        .says(2, &["cannot write /proc/none/x", "--kubeconfig FILE"]);

    // kubectl is changing the file at the same time.
    harness.write("config", "");
    harness.write("config.lock", "");
    let run = harness.kubeconfig_prod(&["--kubeconfig", "config", "--timeout", "50ms"]);
    run.says(
        5,
        &[
            "kubectl is changing it: there is a lock file config.lock",
            "rm config.lock",
        ],
    );
    assert_eq!(harness.read("config"), "");
}

#[test]
fn dry_run_writes_nothing_and_print_goes_to_stdout() {
    let harness = Harness::new();
    harness.write(".kube/config", OTHER);
    let run = harness.kubeconfig_prod(&["--dry-run", "--alias", "p"]);
    run.says(0, &["Nothing was written."]);
    assert_eq!(
        run.stdout,
        "cluster prod added\nuser prod added\ncontext p added\ncurrent-context p set\n"
    );
    assert_eq!(harness.read(".kube/config"), OTHER);

    // Only our entries, so that no secret of another entry is printed.
    let run = harness.kubeconfig_prod(&["--print", "--user-alias", "u"]);
    run.says(0, &[]);
    assert!(
        run.stdout
            .starts_with("apiVersion: v1\nclusters:\n- cluster:\n")
    );
    assert!(run.stdout.contains("current-context: u\n"));
    assert!(!run.stdout.contains("other"));
    // Or the whole file as it would be.
    let named = harness.kubeconfig_prod(&["--print", "--kubeconfig", ".kube/config"]);
    named.says(0, &[]);
    assert!(named.stdout.starts_with(OTHER));
    assert_eq!(harness.read(".kube/config"), OTHER);

    harness
        .kubeconfig_prod(&["--dry-run=server"])
        .says(2, &["a kubeconfig is a local file"]);
}

#[test]
fn token_options_are_stored_in_the_entry() {
    let harness = Harness::new().with("AWS_PROFILE", "of-the-environment");
    harness.kubeconfig_prod(&[]).says(0, &[]);
    let env = |harness: &Harness| kubectl(harness)["users"][0]["user"]["exec"]["env"].clone();
    assert_eq!(
        env(&harness),
        serde_json::json!([{"name": "AWS_PROFILE", "value": "of-the-environment"}])
    );
    let role = "arn:aws:iam::111122223333:role/admin";
    let run = harness.kubeconfig_prod(&[
        "--profile",
        "ops",
        "--region",
        "us-east-2",
        "--role-arn",
        role,
        "--role-session-name",
        "me",
        "--external-id",
        "x 1",
        "--duration",
        "15m",
        "--source",
        "profile",
        "--no-cache",
    ]);
    run.says(0, &[]);
    assert_eq!(
        run.stdout,
        "cluster prod unchanged\nuser prod updated\n  exec.args changed\n  exec.env.AWS_PROFILE changed\n\
         context prod unchanged\ncurrent-context prod unchanged\n"
    );
    assert_eq!(
        kubectl(&harness)["users"][0]["user"]["exec"]["args"],
        serde_json::json!([
            "token",
            "--cluster-name",
            "prod",
            "--region",
            "us-east-2",
            "--role-arn",
            role,
            "--role-session-name",
            "me",
            "--external-id",
            "x 1",
            "--duration",
            "900s",
            "--source",
            "profile",
            "--no-cache"
        ])
    );
    // The user belongs to another cluster, too.
    let run = harness.kubeconfig_prod(&["--alias", "second"]);
    run.says(
        0,
        &[
            "warning: other contexts also use that user: prod",
            "--user-alias NAME",
        ],
    );
}

#[test]
fn entry_names_the_program_by_its_called_path() {
    let harness = Harness::new();
    let link = harness.path("bin/kubectl-awsauth");
    fs::create_dir(harness.path("bin")).expect("a folder");
    symlink(env!("CARGO_BIN_EXE_awsauth"), &link).expect("a link");
    let args = [
        "kubeconfig",
        "--cluster-name",
        "prod",
        "--endpoint",
        ENDPOINT,
        "--print",
    ];
    let named = format!("command: {}\n", link.display());
    let run = |program: &str| {
        let mut command = harness.command(Path::new("/usr/bin/env"));
        Run::of(
            command
                .env("PATH", harness.path("bin"))
                .arg(program)
                .args(args),
        )
    };
    for program in [
        "kubectl-awsauth",
        &link.display().to_string(),
        "./bin/kubectl-awsauth",
    ] {
        let run = run(program);
        run.says(0, &[]);
        assert!(
            run.stdout.contains(&named) || run.stdout.contains("/./bin/kubectl-awsauth"),
            "{program}: {}",
            run.stdout
        );
    }
}

#[test]
fn certificate_is_read_from_a_file() {
    let harness = Harness::new();
    let certified = rcgen::generate_simple_self_signed(["x".to_owned()]).expect("a certificate");
    let pem = certified.cert.pem();
    harness.write("ca.pem", &pem);
    harness
        .kubeconfig_prod(&["--certificate-authority", "ca.pem"])
        .says(0, &[]);
    let data = kubectl(&harness)["clusters"][0]["cluster"]["certificate-authority-data"].clone();
    let decoded = base64::Engine::decode(
        &base64::prelude::BASE64_STANDARD,
        data.as_str().expect("text"),
    );
    assert_eq!(decoded.expect("base64"), pem.as_bytes());

    harness.write("none.pem", "nothing");
    harness
        .kubeconfig_prod(&["--certificate-authority", "none.pem"])
        .says(2, &["the file has no PEM certificate", "openssl x509"]);
    harness
        .kubeconfig_prod(&["--certificate-authority", "missing.pem"])
        .says(
            2,
            &["cannot use the certificates of missing.pem: No such file"],
        );
    harness
        .awsauth(&["--cluster-name", "prod", "--endpoint", "nowhere"])
        .says(2, &["cannot use --endpoint nowhere", "https://HOST"]);
    harness
        .kubeconfig_prod(&["--context", "x"])
        .says(2, &["cannot use --context here", "--alias NAME"]);
    harness
        .kubeconfig_prod(&["--file", "x"])
        .says(2, &["cannot use --file here", "--kubeconfig FILE"]);
}

/// Whether kubectl wrote a cluster entry.
fn set_cluster(harness: &Harness, name: &str) -> bool {
    let mut command = harness.command(&Binary::Kubectl.path());
    let run = Run::of(command.args(["config", "set-cluster", name, "--server=https://k"]));
    assert!(
        run.status == 0 || run.stderr.contains("config.lock: file exists"),
        "{run:?}"
    );
    run.status == 0
}

/// Starts sixteen runs for as many clusters.
fn sixteen(harness: &Harness) -> Vec<Child> {
    let start = |number: usize| {
        let name = format!("c{number}");
        let mut command = harness.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
        command.args([
            "kubeconfig",
            "--cluster-name",
            &name,
            "--endpoint",
            ENDPOINT,
        ]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("it runs")
    };
    (0..16).map(start).collect()
}

fn all_end_well(runs: Vec<Child>) {
    for run in runs {
        Run::ended(run).says(0, &[]);
    }
}

fn has(text: &str, letter: char, count: usize) {
    for number in 0..count {
        let name = format!("name: {letter}{number}\n");
        assert!(text.contains(&name), "{name} is lost:\n{text}");
    }
}

#[test]
fn concurrent_runs_lose_nothing() {
    let harness = Harness::new();
    harness.write(".kube/config", OTHER);
    all_end_well(sixteen(&harness));
    let text = harness.read(".kube/config");
    has(&text, 'c', 16);
    assert!(text.starts_with(OTHER));
}

/// kubectl overwrites changes that other processes make between its first read of a file and its lock. awsauth
/// overwrites nothing.
#[test]
fn concurrent_kubectl_change_is_kept() {
    let harness = Harness::new();
    harness.write(".kube/config", OTHER);
    let runs = sixteen(&harness);
    for number in 0..4 {
        let name = format!("k{number}");
        // kubectl fails if awsauth holds the lock.
        while !set_cluster(&harness, &name) {
            sleep(Duration::from_millis(5));
        }
    }
    all_end_well(runs);
    has(&harness.read(".kube/config"), 'k', 4);
    assert!(!harness.path(".kube/config.lock").exists());
}
