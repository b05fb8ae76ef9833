//! The commands on a real API server, through the real program.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use support::access::StaticUser;
use support::cluster::Cluster;

mod support;

const ROLE: &str = "arn:aws:iam::111122223333:role/mytestrole";
const NODE: &str =
    "arn:aws:iam::111122223333:role/eksctl-prod-nodegroup-ng-1-NodeInstanceRole-1ABCDEF";
/// As eksctl makes it.
const NODE_ENTRY: &str = "- groups:\n  - system:bootstrappers\n  - system:nodes\n  rolearn: arn:aws:iam::111122223333:role/eksctl-prod-nodegroup-ng-1-NodeInstanceRole-1ABCDEF\n  username: system:node:{{EC2PrivateDNSName}}\n";
const MAPPED: &str = "- groups:\n  - system:masters\n  rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: admin\n";

/// awsauth on one cluster as one user.
struct Caller {
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Caller {
    fn of(cluster: &Cluster, user: Option<&str>) -> Self {
        let kubeconfig =
            user.map_or_else(|| cluster.kubeconfig(), |user| cluster.kubeconfig_for(user));
        Self {
            kubeconfig,
            home: cluster.folder().to_owned(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", &self.home)
            .env("KUBECONFIG", &self.kubeconfig);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("awsauth runs")
    }

    /// Exit code, stdout and stderr.
    fn says(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.run(arguments);
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (
            output.status.code().expect("an exit code"),
            text(output.stdout),
            text(output.stderr),
        )
    }
}

fn map(more: &[&'static str]) -> Vec<&'static str> {
    let map = [
        "map",
        "role",
        ROLE,
        "--username",
        "admin",
        "--group",
        "system:masters",
    ];
    map.into_iter().chain(more.iter().copied()).collect()
}

fn stored(cluster: &Cluster, path: &str) -> String {
    cluster.kubectl(&[
        "get",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "-o",
        &format!("jsonpath={path}"),
    ])
}

#[test]
fn commands_work_on_a_cluster_as_on_a_file() {
    let reader = StaticUser {
        name: "reader",
        groups: &["readers"],
    };
    let cluster = Cluster::start_with(&[reader]);
    let admin = Caller::of(&cluster, None);

    let (code, out, err) = admin.says(&["get"]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(err.contains("There is no aws-auth"), "{err}");

    let (code, _, err) = admin.says(&map(&["--no-create"]));
    assert_eq!(code, 4, "{err}");
    assert!(
        err.starts_with("refused (object-state): ") && err.contains("does not exist"),
        "{err}"
    );

    let (code, out, err) = admin.says(&map(&[]));
    assert_eq!(
        (code, out.as_str()),
        (0, "mapping role/mytestrole created\n"),
        "{err}"
    );
    assert!(
        err.contains("Created aws-auth on ")
            && err.contains(&cluster.server_url())
            && err.contains("terraform import"),
        "{err}"
    );
    cluster.kubectl(&["delete", "configmap", "aws-auth", "-n", "kube-system"]);

    make_as_eksctl_does(&cluster);
    let version = stored(&cluster, "{.metadata.resourceVersion}");
    for dry_run in ["--dry-run", "--dry-run=server", "--dry-run=client"] {
        let (code, out, err) = admin.says(&map(&[dry_run]));
        assert_eq!(code, 0, "{err}");
        assert!(
            out.contains("+  rolearn: arn:aws:iam::111122223333:role/mytestrole\n")
                && out.contains("gains user admin"),
            "{out}"
        );
        assert!(err.contains("Nothing was written."), "{err}");
    }
    assert_eq!(
        stored(&cluster, "{.metadata.resourceVersion}"),
        version,
        "a dry run stores nothing"
    );

    let (code, out, err) = admin.says(&map(&[]));
    assert_eq!(
        (code, out.as_str()),
        (0, "mapping role/mytestrole created\n"),
        "{err}"
    );
    assert!(
        err.contains("Wrote aws-auth to ") && err.contains(&cluster.server_url()),
        "{err}"
    );
    assert_eq!(
        stored(&cluster, "{.data.mapRoles}"),
        format!("{NODE_ENTRY}{MAPPED}")
    );
    assert_eq!(stored(&cluster, "{.metadata.labels.kept}"), "yes");

    let version = stored(&cluster, "{.metadata.resourceVersion}");
    let (code, out, _) = admin.says(&map(&[]));
    assert_eq!(
        (code, out.as_str()),
        (0, "mapping role/mytestrole unchanged\n")
    );
    assert_eq!(
        stored(&cluster, "{.metadata.resourceVersion}"),
        version,
        "nothing is sent when nothing changes"
    );

    let (code, out, _) = admin.says(&["get", ROLE, "-o", "json", "--must-exist"]);
    let listing: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(code, 0);
    assert_eq!(listing["roles"][0]["line"], 6);
    assert_eq!(
        listing["roles"][0].get("fileLine"),
        None,
        "a cluster has no file"
    );

    let (code, _, err) = admin.says(&["unmap", "role", NODE]);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains(&format!("--allow-node-entry {NODE}")), "{err}");
    assert_eq!(
        stored(&cluster, "{.metadata.resourceVersion}"),
        version,
        "a refusal writes nothing"
    );

    let (code, _, err) = admin.says(&map(&["--expect-cluster", "another"]));
    assert_eq!(code, 4, "{err}");
    assert!(err.starts_with("refused (wrong-cluster): "), "{err}");
    let url = cluster.server_url();
    assert_eq!(
        admin
            .says(&[
                "get",
                "--expect-cluster",
                &url,
                "--wait",
                "5s",
                "--wait-for-configmap"
            ])
            .0,
        0
    );

    readers_are_told_what_they_lack(&cluster, reader.name);
}

fn readers_are_told_what_they_lack(cluster: &Cluster, name: &str) {
    let reader = Caller::of(cluster, Some(name));
    let (code, _, err) = reader.says(&["get"]);
    assert_eq!(code, 3, "{err}");
    assert!(
        err.starts_with("error: cannot read aws-auth of ") && err.contains("hint: "),
        "{err}"
    );

    cluster.kubectl(&[
        "create",
        "role",
        "reader",
        "-n",
        "kube-system",
        "--verb=get",
        "--resource=configmaps",
    ]);
    cluster.kubectl(&[
        "create",
        "rolebinding",
        "reader",
        "-n",
        "kube-system",
        "--role=reader",
        "--user",
        name,
    ]);
    assert_eq!(reader.says(&["get", "--must-exist"]).0, 0);
    let (code, _, err) = reader.says(&["unmap", "role", ROLE]);
    assert_eq!(code, 3, "{err}");
    assert!(
        err.starts_with("error: cannot write aws-auth of ") && err.contains("update"),
        "{err}"
    );
}

fn make_as_eksctl_does(cluster: &Cluster) {
    let manifest = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system", "labels": {"kept": "yes"}},
        "data": {"mapRoles": NODE_ENTRY, "mapUsers": "[]\n"},
    });
    cluster.kubectl_fed(&["create", "-f", "-"], &manifest.to_string());
}

/// Somebody who is sent to a port on which nothing listens.
fn nobody_answers(folder: &tempfile::TempDir) -> Caller {
    let kubeconfig = folder.path().join("config");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let text = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "gone",
        "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "me"}}],
        "clusters": [{"name": "gone", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
    });
    std::fs::write(&kubeconfig, text.to_string()).expect("a kubeconfig");
    Caller {
        kubeconfig,
        home: folder.path().to_owned(),
    }
}

#[test]
fn a_cluster_that_does_not_answer_is_told_apart_from_one_that_refuses() {
    let folder = tempfile::tempdir().expect("a folder");
    let caller = nobody_answers(&folder);
    let (code, out, err) = caller.says(&map(&["--timeout", "1s", "-o", "json"]));
    assert_eq!((code, out.as_str()), (3, ""), "{err}");
    assert!(
        err.contains("context gone") && err.contains("hint: "),
        "{err}"
    );
    let (code, _, err) = caller.says(&["get", "--wait", "1s"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("Waiting for the API server"), "{err}");
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_a_wait_with_130() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = nobody_answers(&folder).command(&["get", "--wait", "1h"]);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("awsauth runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let waiting = lines.next().expect("a line").expect("UTF-8");
    assert!(
        waiting.starts_with("Waiting for the API server"),
        "{waiting}"
    );
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let last = lines.next().expect("a line").expect("UTF-8");
    assert_eq!(last, "error: interrupted; nothing was written");
}
