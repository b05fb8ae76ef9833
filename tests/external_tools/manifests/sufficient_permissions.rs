//! The permissions in the manifests are sufficient: the controller and the backup job run with the arguments, the configuration
//! and the service account of their pods.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::manifests::cluster_with_manifests::{NODE, aws_auth, eventually};
use crate::manifests::monitoring::METRICS;
use crate::manifests::same_rendering::{kustomized, object, with_backup};
use crate::support::child_process::Supervised;
use crate::support::cluster::Cluster;
use crate::support::completed_run::Run;
use crate::support::ports;
use crate::support::webhook_secret::{SECRET, make, secret};

/// The line that replaces the empty grants.
const GRANTS: &str = r#"grants:
  - accounts: ["111122223333"]
    groups: [developers]
    usernames: ["*"]
"#;

struct Pod {
    _program: Supervised,
    folder: TempDir,
    metrics: u16,
    health: u16,
}

impl Drop for Pod {
    #[expect(clippy::print_stderr, reason = "it shows why the test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

impl Pod {
    fn start(cluster: &Cluster, rendered: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [metrics, health, webhook] = ports::free();
        let deployment = object(rendered, "Deployment", "awsauth-controller");
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        let config = folder.path().join("config.yaml");
        let given = object(rendered, "ConfigMap", "awsauth-controller");
        let given = given["data"]["config.yaml"].as_str().unwrap();
        assert!(given.contains("grants: []"), "{given}");
        fs::write(&config, given.replace("grants: []", GRANTS)).unwrap();
        let args = container["args"].as_array().unwrap().iter();
        let args: Vec<String> = args
            .map(|arg| {
                arg.as_str()
                    .unwrap()
                    .replace("/etc/awsauth/config.yaml", config.to_str().unwrap())
                    .replace("0.0.0.0:8080", &format!("127.0.0.1:{metrics}"))
                    .replace("0.0.0.0:8081", &format!("127.0.0.1:{health}"))
                    .replace("0.0.0.0:8443", &format!("127.0.0.1:{webhook}"))
            })
            .collect();
        let variables = [(
            "KUBECONFIG".to_owned(),
            kubeconfig(cluster, "awsauth-controller", &folder)
                .display()
                .to_string(),
        )];
        let log = folder.path().join("log");
        let program = env!("CARGO_BIN_EXE_awsauth").as_ref();
        Self {
            _program: Supervised::start(program, &args, &variables, folder.path(), log).unwrap(),
            folder,
            metrics,
            health,
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// A kubeconfig of a service account, with a token like the kubelet's.
fn kubeconfig(cluster: &Cluster, account: &str, folder: &TempDir) -> PathBuf {
    let args = ["create", "token", account, "-n", "kube-system"];
    let token = cluster.kubectl(&args);
    let content = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": cluster.server_url(), "certificate-authority": cluster.ca()}}],
        "users": [{"name": "pod", "user": {"token": token.trim()}}],
        "contexts": [{"name": "pod", "context": {"cluster": "test", "user": "pod"}}],
        "current-context": "pod",
    });
    let path = folder.path().join("kubeconfig");
    fs::write(&path, content.to_string()).unwrap();
    path
}

/// Returns the response of a port of the pod.
fn http_get(port: u16, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return String::new();
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn get(cluster: &Cluster, what: &[&str]) -> Value {
    let args = [&["get", "-n", "kube-system", "-o", "json"], what].concat();
    serde_json::from_str(&cluster.kubectl(&args)).unwrap()
}

#[test]
fn manifest_permissions_are_sufficient() {
    let cluster = Cluster::start();
    let rendered = kustomized("controller-webhook");
    cluster.kubectl_fed(&["apply", "-f", "-"], &rendered);
    let pod = Pod::start(&cluster, &rendered);
    eventually(|| http_get(pod.health, "/readyz").starts_with("HTTP/1.1 200"));
    eventually(|| http_get(pod.metrics, "/metrics").contains("\nawsauth_leader 1\n"));

    cluster.kubectl_fed(
        &["apply", "-f", "-"],
        "\
apiVersion: awsauth.dev/v1alpha1
kind: AwsAuthMapping
metadata: {name: developer}
spec: {role: 'arn:aws:iam::111122223333:role/developer', username: developer, groups: [developers]}
---
apiVersion: awsauth.dev/v1alpha1
kind: AwsAuthMapping
metadata: {name: master}
spec: {role: 'arn:aws:iam::111122223333:role/master', username: master, groups: ['system:masters']}
",
    );
    let ready = |name: &str| {
        let object = get(&cluster, &["awsauthmapping", name]);
        let conditions = object["status"]["conditions"].as_array().cloned();
        let mut conditions = conditions.unwrap_or_default().into_iter();
        let ready = conditions.find(|condition| condition["type"] == "Ready")?;
        Some((
            ready["status"].as_str()?.to_owned(),
            ready["reason"].as_str()?.to_owned(),
        ))
    };
    eventually(|| ready("developer") == Some(("True".to_owned(), "Applied".to_owned())));
    eventually(|| ready("master").is_some_and(|(status, _)| status == "False"));
    let aws_auth = get(&cluster, &["configmap", "aws-auth"]);
    let map_roles = aws_auth["data"]["mapRoles"].as_str().unwrap();
    assert!(map_roles.contains("role/developer"), "{map_roles}");
    assert!(!map_roles.contains("role/master"), "{map_roles}");
    get(&cluster, &["lease", "awsauth-controller"]);

    // The webhook: its Secret, and the CA in its configuration. The API server cannot reach it here.
    get(&cluster, &["secret", "awsauth-controller-webhook-tls"]);
    eventually(|| {
        let configuration = ["validatingwebhookconfiguration", "awsauth-controller"];
        let configuration = get(&cluster, &configuration);
        configuration["webhooks"][0]["clientConfig"]["caBundle"].is_string()
    });
    // A dry run waits 3 s for the unreachable webhook, several times.
    eventually(|| http_get(pod.metrics, "/metrics").contains("\nawsauth_certificate_expiry"));

    names_are_known(&http_get(pod.metrics, "/metrics"));

    cluster.kubectl(&[
        "delete",
        "awsauthmapping",
        "developer",
        "master",
        "--timeout=60s",
    ]);
    let aws_auth = get(&cluster, &["configmap", "aws-auth"]);
    let map_roles = aws_auth["data"]["mapRoles"].as_str().unwrap_or_default();
    assert!(!map_roles.contains("role/developer"), "{map_roles}");

    let events = get(&cluster, &["events", "-A"]);
    let by_us = |event: &&Value| {
        let reporter = event["reportingComponent"].as_str().unwrap_or_default();
        reporter.contains("awsauth-controller")
    };
    let events = events["items"].as_array().unwrap();
    assert!(events.iter().any(|event| by_us(&event)), "{events:#?}");

    // The API server denied no request.
    let metrics = cluster.kubectl(&["get", "--raw", "/metrics"]);
    let requests = metrics
        .lines()
        .filter(|line| line.starts_with("apiserver_request_total{"));
    let (refused, answered): (Vec<&str>, Vec<&str>) =
        requests.partition(|line| line.contains(r#"code="403""#));
    assert_eq!(refused, Vec::<&str>::new());
    assert!(!answered.is_empty());
    assert!(!pod.log().contains("forbidden"), "{}", pod.log());
}

#[test]
fn backup_job_saves_aws_auth_with_only_the_right_to_read_it() {
    let cluster = Cluster::start();
    let rendered = with_backup("policy-only");
    cluster.kubectl_fed(&["apply", "-f", "-"], &rendered);
    let job = object(&rendered, "CronJob", "awsauth-backup");
    let container = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = kubeconfig(&cluster, "awsauth-backup", &folder);
    let backups = folder.path().join("backup");
    let run = || {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_awsauth"));
        program.env_clear().env("KUBECONFIG", &kubeconfig);
        for arg in container["args"].as_array().unwrap() {
            let arg = arg.as_str().unwrap();
            program.arg(arg.replace("/backup", backups.to_str().unwrap()));
        }
        Run::of(&mut program)
    };
    // A job fails, and its failure is visible, if there is nothing to save.
    run().says(1, &["has no aws-auth to save"]);
    cluster.kubectl_fed(&["create", "-f", "-"], &aws_auth(NODE).to_string());
    run().says(0, &["Saved aws-auth"]);
    run().says(0, &["is as in"]);
    let files: Vec<PathBuf> = fs::read_dir(&backups)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [file] = &files[..] else {
        panic!("one file: {files:?}");
    };
    assert!(fs::read_to_string(file).unwrap().contains("role/node"));

    let may = |verb: &str, what: &str| {
        let mut command = cluster.kubectl_command();
        command.args(["auth", "can-i", verb, what, "-n", "kube-system"]);
        let account = "--as=system:serviceaccount:kube-system:awsauth-backup";
        Run::of(command.arg(account)).status == 0
    };
    assert!(may("get", "configmaps/aws-auth"));
    for (verb, what) in [
        ("list", "configmaps"),
        ("update", "configmaps/aws-auth"),
        ("patch", "configmaps/aws-auth"),
        ("delete", "configmaps/aws-auth"),
        ("get", "configmaps/awsauth-history"),
        ("get", "secrets"),
        ("create", "configmaps"),
    ] {
        assert!(!may(verb, what), "{verb} {what}");
    }
}

/// Permission to create the Secret does not include permission to update it two months later.
#[test]
fn manifest_permissions_allow_certificate_rotation() {
    const DAY: u64 = 86_400;
    let cluster = Cluster::start();
    let rendered = kustomized("controller-webhook");
    cluster.kubectl_fed(&["apply", "-f", "-"], &rendered);
    let old = make(60 * DAY + 3600, 30 * DAY);
    cluster.kubectl_fed(&["create", "-f", "-"], &secret(&old).to_string());
    let pod = Pod::start(&cluster, &rendered);
    let kept = |key: &str| {
        let secret = get(&cluster, &["secret", SECRET]);
        let text = secret["data"][key].as_str().unwrap_or_default();
        String::from_utf8(BASE64_STANDARD.decode(text).unwrap()).unwrap()
    };
    eventually(|| {
        let log = pod.log();
        assert!(!log.contains("cannot write the Secret"), "{log}");
        !kept("next.crt").is_empty()
    });
    assert_eq!(kept("tls.crt"), old.certificate);
    let authorities = kept("ca.crt");
    assert!(authorities.ends_with(&old.authority) && authorities != old.authority);
    eventually(|| {
        let configuration = ["validatingwebhookconfiguration", "awsauth-controller"];
        let configuration = get(&cluster, &configuration);
        let trusted = &configuration["webhooks"][0]["clientConfig"]["caBundle"];
        *trusted == BASE64_STANDARD.encode(&authorities)
    });
    assert!(!pod.log().contains("forbidden"), "{}", pod.log());
}

/// Checks that rules and panels use only exported metrics, and that the dashboard shows all of them. Metrics whose
/// labels have no values yet are not exported.
fn names_are_known(reported: &str) {
    const LABELLED: [&str; 4] = [
        "awsauth_access_entry_changes_total",
        "awsauth_admission_reviews_total",
        "awsauth_lint_findings",
        "awsauth_refusals_total",
    ];
    let types = reported
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let names: BTreeSet<String> = types
        .filter_map(|line| line.split_once(' '))
        .map(|(name, kind)| match kind {
            "counter" => format!("{name}_total"),
            "histogram" => format!("{name}_bucket"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        })
        .collect();
    let known: BTreeSet<String> = METRICS.map(str::to_owned).into();
    assert!(names.is_subset(&known), "{names:#?}");
    let untold: Vec<&String> = known.difference(&names).collect();
    let is_labelled = |name: &&String| LABELLED.contains(&name.as_str());
    assert!(untold.iter().all(is_labelled), "{untold:?} in\n{reported}");
}
