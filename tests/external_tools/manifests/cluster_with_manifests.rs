//! A cluster with the manifests applied, used by one test at a time, because it has one aws-auth.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::manifests::same_rendering::{kustomized, objects};
use crate::support::cluster::Cluster;
use crate::support::completed_run::Run;
use crate::support::pool::{Pool, PoolGuard};

pub(crate) const NODE: &str = "\
- rolearn: arn:aws:iam::111122223333:role/node
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
";
pub(crate) const DEVELOPER: &str = "\
- rolearn: arn:aws:iam::111122223333:role/developer
  username: developer
  groups: [developers]
";

pub(crate) struct Harness {
    pub(crate) cluster: &'static Cluster,
    _turn: PoolGuard<Cluster>,
}

impl Harness {
    /// Waits for a free cluster. The overlay with the webhook is applied, except the webhook configuration, because no server would respond.
    /// There is no aws-auth.
    pub(crate) fn start() -> Self {
        static CLUSTERS: Pool<Cluster> = Pool::new();
        let turn = CLUSTERS.take(|| {
            let cluster = Cluster::start();
            apply(&cluster, &kustomized("controller-webhook"));
            cluster
        });
        let harness = Self {
            cluster: *turn,
            _turn: turn,
        };
        harness.clear();
        eventually(|| {
            harness.put(NODE);
            // Policies take effect shortly after their creation.
            let denied = harness.delete(&[]).status == 1;
            harness.clear();
            denied
        });
        harness
    }

    /// Removes aws-auth as EKS.
    fn clear(&self) {
        self.kubectl(
            &["--as=eks:test", "--as-group=system:masters"],
            &[
                "delete",
                "configmap",
                "aws-auth",
                "-n",
                "kube-system",
                "--ignore-not-found",
            ],
            None,
        )
        .says(0, &[]);
    }

    /// Replaces aws-auth with these roles as EKS.
    pub(crate) fn put(&self, map_roles: &str) {
        self.clear();
        self.kubectl(
            &["--as=eks:test", "--as-group=system:masters"],
            &["create", "-f", "-"],
            Some(&aws_auth(map_roles)),
        )
        .says(0, &[]);
    }

    /// Deletes aws-auth in a dry run, as the cluster's creator or the user in `flags`.
    pub(crate) fn delete(&self, flags: &[&str]) -> Run {
        let args = ["delete", "configmap", "aws-auth", "-n", "kube-system"];
        self.kubectl(flags, &[&args[..], &["--dry-run=server"]].concat(), None)
    }

    /// Replaces aws-auth in a dry run.
    pub(crate) fn replace(&self, flags: &[&str], object: &Value) -> Run {
        self.kubectl(
            flags,
            &["replace", "--dry-run=server", "-f", "-"],
            Some(object),
        )
    }

    /// Runs kubectl as the cluster's creator with more flags.
    pub(crate) fn kubectl(&self, flags: &[&str], args: &[&str], input: Option<&Value>) -> Run {
        let mut command = self.cluster.kubectl_command();
        command.args(flags).args(args);
        run_with_input(command, input.map(ToString::to_string).as_deref())
    }
}

/// Applies everything except configurations of webhooks, because no webhook runs.
pub(crate) fn apply(cluster: &Cluster, text: &str) {
    let applied: Vec<String> = objects(text)
        .into_iter()
        .filter(|object| object["kind"] != "ValidatingWebhookConfiguration")
        .map(|object| object.to_string())
        .collect();
    cluster.kubectl_fed(&["apply", "-f", "-"], &applied.join("\n---\n"));
}

pub(crate) fn aws_auth(map_roles: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": map_roles},
    })
}

/// Runs a command with this standard input.
pub(crate) fn run_with_input(mut command: Command, input: Option<&str>) -> Run {
    let Some(input) = input else {
        return Run::of(&mut command);
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command may end before it has read everything.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
    Run::ended(child)
}

#[track_caller]
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(180);
    while !is_so() {
        assert!(Instant::now() < deadline, "still not so after a minute");
        std::thread::sleep(Duration::from_millis(100));
    }
}
