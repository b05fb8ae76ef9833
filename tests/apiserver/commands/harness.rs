//! Exclusive use of a cluster by one test, because each cluster has one aws-auth.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::aws_auth_client::{Api, configmap};
use crate::support::cluster::Cluster;
use crate::support::cluster_pool::{ClusterGuard, ClusterPool};
pub(crate) use crate::support::completed_run::Run;
use crate::support::default_signal_actions;
use crate::support::exclusive_test;
use crate::support::program_output;
use crate::support::static_users::StaticUser;

/// The node entry, as eksctl writes it.
pub(crate) const NODES: &str = "\
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::111122223333:role/eksctl-k8s-cluster-nodegroup-ng-1-NodeInstanceRole-1FI6JXPS9MDWK
  username: system:node:{{EC2PrivateDNSName}}
";

pub(crate) const MYTESTROLE: &str = "arn:aws:iam::111122223333:role/mytestrole";

/// A user who may only read aws-auth.
pub(crate) const READER: StaticUser = StaticUser {
    name: "reader",
    groups: &["readers"],
};

/// A user without permissions.
pub(crate) const STRANGER: StaticUser = StaticUser {
    name: "stranger",
    groups: &[],
};

/// Exclusive use of a cluster.
pub(crate) struct ExclusiveCluster {
    pub(crate) cluster: &'static Cluster,
    pub(crate) api: Api,
    _turn: ClusterGuard,
}

static CLUSTERS: ClusterPool = ClusterPool::new();

/// Waits for a free cluster with [`READER`] and [`STRANGER`].
pub(crate) fn plain_cluster() -> ClusterGuard {
    plain_cluster_of(&CLUSTERS)
}

fn plain_cluster_of(clusters: &'static ClusterPool) -> ClusterGuard {
    clusters.take(|| Cluster::start_with(&[READER, STRANGER]))
}

impl ExclusiveCluster {
    /// Waits for a free cluster. There is no aws-auth.
    pub(crate) fn without_aws_auth() -> Self {
        Self::on(&CLUSTERS)
    }

    /// Like [`Self::without_aws_auth`], while no other test uses a cluster. With another cluster on the same processor,
    /// dozens of writers would starve instead of racing.
    pub(crate) fn alone() -> Self {
        exclusive_test::run_alone();
        Self::on(&CLUSTERS)
    }

    /// Like [`Self::without_aws_auth`], on a cluster whose API server tests may kill.
    pub(crate) fn that_may_crash() -> Self {
        static CLUSTERS: ClusterPool = ClusterPool::new();
        Self::on(&CLUSTERS)
    }

    /// Like [`Self::without_aws_auth`], with an aws-auth as eksctl creates it.
    pub(crate) fn start() -> Self {
        let session = Self::without_aws_auth();
        session.put(&eksctl_made());
        session
    }

    /// Like [`Self::start`], three times.
    pub(crate) fn three() -> [Self; 3] {
        static CLUSTERS: ClusterPool = ClusterPool::new();
        [(); 3].map(|()| {
            let session = Self::on(&CLUSTERS);
            session.put(&eksctl_made());
            session
        })
    }

    fn on(clusters: &'static ClusterPool) -> Self {
        let turn = plain_cluster_of(clusters);
        let cluster = turn.cluster();
        Self {
            cluster,
            api: Api::of(cluster, "eksctl"),
            _turn: turn,
        }
    }

    /// Recreates aws-auth as eksctl.
    pub(crate) fn put(&self, object: &Value) {
        self.api.delete();
        self.api.create(object).unwrap();
    }

    /// Patches the ConfigMap awsauth-history as another client.
    pub(crate) fn patch_history(&self, patch: &Value) {
        let patch = patch.to_string();
        let args = ["patch", "configmap", "awsauth-history", "-n", "kube-system"];
        let how = ["--type=merge", "-p", &patch];
        self.cluster.kubectl(&[&args[..], &how].concat());
    }

    /// The text of a key of aws-auth.
    pub(crate) fn text(&self, key: &str) -> String {
        let object = self.api.object();
        object["data"][key].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn resource_version(&self) -> String {
        let object = self.api.object();
        object["metadata"]["resourceVersion"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Returns the numbers of ConfigMap updates and patches that the API server answered, and of dry runs.
    pub(crate) fn updates(&self) -> Updates {
        let metrics = self.cluster.kubectl(&["get", "--raw", "/metrics"]);
        let count = |verb: &str, dry_run: &str| {
            let labels = [r#"resource="configmaps""#, verb, dry_run];
            metrics
                .lines()
                .filter(|line| line.starts_with("apiserver_request_total{"))
                .filter(|line| labels.iter().all(|label| line.contains(label)))
                .map(|line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap())
                .sum()
        };
        Updates {
            reads: count(r#"verb="GET""#, ""),
            dry: count(r#"verb="PUT""#, r#"dry_run="All""#),
            real: count(r#"verb="PUT""#, r#"dry_run="""#),
            patches: count(r#"verb="PATCH""#, r#"dry_run="""#),
        }
    }

    /// Returns awsauth as the cluster's creator.
    pub(crate) fn command(&self) -> Command {
        awsauth(self.cluster, &self.cluster.kubeconfig())
    }

    /// Runs awsauth as the cluster's creator.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command().args(args))
    }

    /// Runs awsauth, which must succeed.
    pub(crate) fn done(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.status, 0, "awsauth {args:?}: {run:?}");
        run
    }

    /// Maps `mytestrole`, with more arguments.
    pub(crate) fn map(&self, more: &[&str]) -> Run {
        self.run(&[&map_args(MYTESTROLE)[..], more].concat())
    }

    /// Writes a file in the cluster's folder.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.cluster.folder().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Writes a kubeconfig of the cluster's creator with `from` replaced by `to`.
    pub(crate) fn kubeconfig_with(&self, name: &str, from: &str, to: &str) -> PathBuf {
        let kubeconfig = std::fs::read_to_string(self.cluster.kubeconfig()).unwrap();
        assert!(kubeconfig.contains(from), "{kubeconfig}");
        self.file(name, &kubeconfig.replace(from, to))
    }
}

/// Requested updates of ConfigMaps, successful or not.
pub(crate) struct Updates {
    pub(crate) reads: u32,
    pub(crate) dry: u32,
    pub(crate) real: u32,
    pub(crate) patches: u32,
}

/// The arguments that map `arn` as an administrator.
pub(crate) fn map_args(arn: &str) -> [&str; 7] {
    [
        "map",
        "role",
        arn,
        "--username",
        "admin",
        "--group",
        "system:masters",
    ]
}

/// Returns awsauth with this kubeconfig, without the environment of this process.
pub(crate) fn awsauth(cluster: &Cluster, kubeconfig: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    command
        .env_clear()
        .env("HOME", cluster.folder())
        .env("KUBECONFIG", kubeconfig)
        .stdin(Stdio::null());
    command
}

/// An aws-auth as eksctl creates it.
pub(crate) fn eksctl_made() -> Value {
    let mut object = configmap(NODES);
    object["data"]["mapUsers"] = "[]\n".into();
    object
}

/// A running command. It is killed if its test fails.
pub(crate) struct Running(Option<Child>);

impl Running {
    pub(crate) fn start<S: AsRef<OsStr>>(command: Command, args: &[S]) -> Self {
        Self::start_into(command, args, Stdio::piped())
    }

    /// Starts a command with this stdout. The test searches what it prints to a file for secrets.
    pub(crate) fn start_into<S: AsRef<OsStr>>(
        mut command: Command,
        args: &[S],
        stdout: Stdio,
    ) -> Self {
        default_signal_actions::reset_for_children();
        let command = command.args(args).stdout(stdout).stderr(Stdio::piped());
        Self(Some(command.spawn().unwrap()))
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Sends SIGINT.
    pub(crate) fn interrupt(&self) {
        let pid = self.0.as_ref().unwrap().id().to_string();
        let sent = program_output::output(Command::new("kill").args(["-INT", &pid]));
        assert!(sent.status.success());
    }

    pub(crate) fn end(mut self) -> Run {
        Run::ended(self.0.take().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until the condition holds.
#[track_caller]
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(180);
    while !is_so() {
        assert!(Instant::now() < deadline, "timed out");
        std::thread::sleep(Duration::from_millis(50));
    }
}
