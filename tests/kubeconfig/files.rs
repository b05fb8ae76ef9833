//! Which file is written, and how.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::place::{ENDPOINT, Place};
use crate::support::run::Run;
use crate::support::toolchain::Binary;

const OTHER: &str = "clusters:\n- name: other\n  cluster: {server: x} # mine\n";

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).expect("a file");
    metadata.permissions().mode() & 0o7777
}

/// What kubectl makes of the current context of a place's files.
fn kubectl(place: &Place) -> Value {
    let mut command = place.command(&Binary::Kubectl.path());
    let run = Run::of(command.args(["config", "view", "--raw", "--minify", "-o", "json"]));
    run.says(0, &[]);
    run.json()
}

#[test]
fn a_missing_file_is_made_for_its_owner_alone() {
    let place = Place::new();
    let run = place.given(&[]);
    run.says(0, &["Wrote ", "/.kube/config."]);
    assert_eq!(
        run.stdout,
        "cluster prod added\nuser prod added\ncontext prod added\ncurrent-context prod set\n"
    );
    assert_eq!(mode(&place.path(".kube/config")), 0o600);
    let view = kubectl(&place);
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

    let before = place.read(".kube/config");
    let run = place.given(&[]);
    run.says(0, &["/.kube/config is as asked."]);
    assert_eq!(run.stdout.matches(" unchanged\n").count(), 4);
    assert_eq!(place.read(".kube/config"), before);
}

#[test]
fn links_stay_and_others_may_no_longer_read_it() {
    let place = Place::new();
    place.write("real/config", OTHER);
    fs::set_permissions(place.path("real/config"), fs::Permissions::from_mode(0o644))
        .expect("chmod");
    fs::create_dir(place.path(".kube")).expect("a folder");
    symlink("../real/config", place.path(".kube/config")).expect("a link");
    place.given(&[]).says(0, &["Wrote "]);
    assert!(place.path(".kube/config").is_symlink());
    assert_eq!(mode(&place.path("real/config")), 0o600);
    assert!(place.read("real/config").starts_with(OTHER));
    assert_eq!(
        fs::read_dir(place.path("real")).expect("a folder").count(),
        1
    );
}

#[test]
fn of_a_list_the_file_that_has_the_cluster_is_written_and_else_the_first() {
    let ours = "clusters:\n- name: prod\n  cluster: {server: old}\n";
    let place = Place::new();
    place.write("one", "current-context: mine\n");
    place.write("broken", "clusters: [\n");
    place.write("three", ours);
    let list = format!("missing::one:{}:three", place.path("broken").display());
    let place = place.with("KUBECONFIG", &list);
    let run = place.given(&[]);
    run.says(
        0,
        &[
            "warning: cannot read ",
            "broken: line 2: not YAML",
            "Wrote three.",
            "warning: kubectl goes on using context mine, which one names first",
            "hint: kubectl config use-context prod",
        ],
    );
    assert!(place.read("three").contains(ENDPOINT));
    assert_eq!(place.read("one"), "current-context: mine\n");
    assert!(!place.path("missing").exists());

    // A named file is the one.
    place
        .given(&["--kubeconfig", "named/file"])
        .says(0, &["Wrote named/file."]);
    assert!(place.read("named/file").contains(ENDPOINT));

    let place = place.with("KUBECONFIG", "missing:one");
    place.given(&[]).says(0, &["Wrote missing."]);
    let place = place.with("KUBECONFIG", ":");
    place.given(&[]).says(0, &["/.kube/config."]);
    let place = place.with("KUBECONFIG", "broken:one");
    place
        .given(&[])
        .says(2, &["cannot read broken: line 2: not YAML", "mend line 2"]);
}

#[test]
fn what_cannot_be_written_is_said() {
    let place = Place::new();
    for (text, status, said) in [
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
        place.write("config", text);
        for mode in [&[][..], &["--dry-run"], &["--print"]] {
            let run = place.given(&[&["--kubeconfig", "config"], mode].concat());
            run.says(status, &[said, "hint: "]);
            assert!(!run.stderr.contains("hush"));
        }
        assert_eq!(place.read("config"), text);
    }
    fs::write(place.path("config"), b"\xff\xfek\0").expect("a file");
    let named = ["--kubeconfig", "config"];
    place.given(&named).says(2, &["it is UTF-16", "UTF-8"]);
    fs::write(place.path("config"), b"a: \xe9").expect("a file");
    place.given(&named).says(2, &["octet"]);
    fs::create_dir(place.path("folder")).expect("a folder");
    place
        .given(&["--kubeconfig", "folder"])
        .says(2, &["cannot write folder: it is not a regular file"]);
    place
        .given(&["--kubeconfig", "/proc/none/x"])
        .says(2, &["cannot write /proc/none/x", "--kubeconfig FILE"]);

    // While kubectl changes it.
    place.write("config", "");
    place.write("config.lock", "");
    let run = place.given(&["--kubeconfig", "config", "--timeout", "50ms"]);
    run.says(
        5,
        &["kubectl is changing it, says config.lock", "rm config.lock"],
    );
    assert_eq!(place.read("config"), "");
}

#[test]
fn a_dry_run_writes_nothing_and_print_goes_to_stdout() {
    let place = Place::new();
    place.write(".kube/config", OTHER);
    let run = place.given(&["--dry-run", "--alias", "p"]);
    run.says(0, &["Nothing was written."]);
    assert_eq!(
        run.stdout,
        "cluster prod added\nuser prod added\ncontext p added\ncurrent-context p set\n"
    );
    assert_eq!(place.read(".kube/config"), OTHER);

    // The entries alone, which hold no secrets of others.
    let run = place.given(&["--print", "--user-alias", "u"]);
    run.says(0, &[]);
    assert!(
        run.stdout
            .starts_with("apiVersion: v1\nclusters:\n- cluster:\n")
    );
    assert!(run.stdout.contains("current-context: u\n"));
    assert!(!run.stdout.contains("other"));
    // Or a file as it would be.
    let named = place.given(&["--print", "--kubeconfig", ".kube/config"]);
    named.says(0, &[]);
    assert!(named.stdout.starts_with(OTHER));
    assert_eq!(place.read(".kube/config"), OTHER);

    place
        .given(&["--dry-run=server"])
        .says(2, &["no server to ask"]);
}

#[test]
fn what_makes_the_token_is_kept_in_the_entry() {
    let place = Place::new().with("AWS_PROFILE", "of-the-environment");
    place.given(&[]).says(0, &[]);
    let env = |place: &Place| kubectl(place)["users"][0]["user"]["exec"]["env"].clone();
    assert_eq!(
        env(&place),
        serde_json::json!([{"name": "AWS_PROFILE", "value": "of-the-environment"}])
    );
    let role = "arn:aws:iam::111122223333:role/admin";
    let run = place.given(&[
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
        "cluster prod unchanged\nuser prod mended\n  exec.args changed\n  exec.env.AWS_PROFILE changed\n\
         context prod unchanged\ncurrent-context prod unchanged\n"
    );
    assert_eq!(
        kubectl(&place)["users"][0]["user"]["exec"]["args"],
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
    // The user is another's, too.
    let run = place.given(&["--alias", "second"]);
    run.says(
        0,
        &[
            "warning: that user serves other contexts, too: prod",
            "--user-alias NAME",
        ],
    );
}

#[test]
fn the_program_is_named_by_the_path_it_was_called_by() {
    let place = Place::new();
    let link = place.path("bin/kubectl-awsauth");
    fs::create_dir(place.path("bin")).expect("a folder");
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
        let mut command = place.command(Path::new("/usr/bin/env"));
        Run::of(
            command
                .env("PATH", place.path("bin"))
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
fn certificates_are_taken_from_a_file() {
    let place = Place::new();
    let certified = rcgen::generate_simple_self_signed(["x".to_owned()]).expect("a certificate");
    let pem = certified.cert.pem();
    place.write("ca.pem", &pem);
    place
        .given(&["--certificate-authority", "ca.pem"])
        .says(0, &[]);
    let data = kubectl(&place)["clusters"][0]["cluster"]["certificate-authority-data"].clone();
    let decoded = base64::Engine::decode(
        &base64::prelude::BASE64_STANDARD,
        data.as_str().expect("text"),
    );
    assert_eq!(decoded.expect("base64"), pem.as_bytes());

    place.write("none.pem", "nothing");
    place
        .given(&["--certificate-authority", "none.pem"])
        .says(2, &["holds no PEM certificate", "openssl x509"]);
    place
        .given(&["--certificate-authority", "missing.pem"])
        .says(
            2,
            &["cannot use the certificates of missing.pem: No such file"],
        );
    place
        .awsauth(&["--cluster-name", "prod", "--endpoint", "nowhere"])
        .says(2, &["cannot use --endpoint nowhere", "https://HOST"]);
    place
        .given(&["--context", "x"])
        .says(2, &["cannot use --context here", "--alias NAME"]);
    place
        .given(&["--file", "x"])
        .says(2, &["cannot use --file here", "--kubeconfig FILE"]);
}

/// Whether kubectl wrote a cluster entry.
fn set_cluster(place: &Place, name: &str) -> bool {
    let mut command = place.command(&Binary::Kubectl.path());
    let run = Run::of(command.args(["config", "set-cluster", name, "--server=https://k"]));
    assert!(
        run.status == 0 || run.stderr.contains("config.lock: file exists"),
        "{run:?}"
    );
    run.status == 0
}

/// Sixteen runs for as many clusters.
fn sixteen(place: &Place) -> Vec<Child> {
    let start = |number: usize| {
        let name = format!("c{number}");
        let mut command = place.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
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
fn runs_at_the_same_time_lose_nothing() {
    let place = Place::new();
    place.write(".kube/config", OTHER);
    all_end_well(sixteen(&place));
    let text = place.read(".kube/config");
    has(&text, 'c', 16);
    assert!(text.starts_with(OTHER));
}

/// kubectl itself takes back what others write between its first look at a file and its lock; we take back nothing.
#[test]
fn nothing_of_a_kubectl_at_the_same_time_is_lost() {
    let place = Place::new();
    place.write(".kube/config", OTHER);
    let runs = sixteen(&place);
    for number in 0..4 {
        let name = format!("k{number}");
        // When it meets our lock, kubectl gives up.
        while !set_cluster(&place, &name) {
            sleep(Duration::from_millis(5));
        }
    }
    all_end_well(runs);
    has(&place.read(".kube/config"), 'k', 4);
    assert!(!place.path(".kube/config.lock").exists());
}
