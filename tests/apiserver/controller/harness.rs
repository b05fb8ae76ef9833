//! A cluster with controllers, and assertions on its state.

use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::support::child_process::Supervised;
use crate::support::cluster::Cluster;
use crate::support::cluster_pool::{ClusterGuard, ClusterPool};
use crate::support::completed_run::Run;
use crate::support::kube_client;
use crate::support::ports;
use crate::support::secrets;
use crate::support::static_users::StaticUser;

/// The user of the controllers, which identifies their requests in the audit log.
pub(crate) const CONTROLLER: StaticUser = StaticUser {
    name: "controller",
    groups: &["system:masters"],
};

/// A user without permissions of its own.
pub(crate) const FORGER: StaticUser = StaticUser {
    name: "forger",
    groups: &[],
};

/// The timeout for anything on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(180);

/// The grants of the configuration.
pub(crate) const CONFIG: &str = r#"
grants:
- accounts: ["111122223333"]
  groups: [developers, "view-*"]
  usernames: ["*"]
"#;

/// The entry that EKS writes for a node group.
pub(crate) const NODE_ENTRY: &str = "\
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
";

/// A cluster with the CustomResourceDefinition of AwsAuthMapping.
pub(crate) struct Harness {
    pub(crate) cluster: HeldCluster,
    pub(crate) runtime: Runtime,
    client: kube::Client,
}

/// A cluster of one test alone, or one that other tests use later.
pub(crate) enum HeldCluster {
    Own(Box<Cluster>),
    Shared(ClusterGuard),
}

impl Deref for HeldCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        match self {
            Self::Own(cluster) => cluster,
            Self::Shared(cluster) => cluster,
        }
    }
}

/// A running controller. Dropping it ends the process.
pub(crate) struct Controller {
    process: Supervised,
    log: PathBuf,
    metrics: u16,
    health: u16,
}

/// The program under test. `AWSAUTH_TEST_PROGRAM` can name another build of it.
pub(crate) fn awsauth() -> PathBuf {
    let other = std::env::var_os("AWSAUTH_TEST_PROGRAM");
    other.map_or_else(|| env!("CARGO_BIN_EXE_awsauth").into(), PathBuf::from)
}

/// Returns an AwsAuthMapping object.
pub(crate) fn mapping(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "awsauth.dev/v1alpha1", "kind": "AwsAuthMapping", "metadata": {"name": name}, "spec": spec})
}

pub(crate) fn role(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

/// Returns an AwsAuthMapping for a role with the group developers.
pub(crate) fn developer(name: &str) -> Value {
    mapping(
        name,
        json!({"role": role(name), "username": name, "groups": ["developers"]}),
    )
}

/// Waits until `test` returns a value.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut test: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(found) = test() {
            return found;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Harness {
    /// Waits for a free cluster with [`CONTROLLER`], [`FORGER`] and an audit log. There are no objects. For tests that neither stop the
    /// API server nor change what it enforces on status updates.
    pub(crate) fn shared() -> Self {
        static CLUSTERS: ClusterPool = ClusterPool::new();
        Self::on(HeldCluster::Shared(CLUSTERS.take(|| {
            let cluster = Cluster::start_audited(&[CONTROLLER, FORGER]);
            install_crd(&cluster);
            cluster
        })))
    }

    /// Installs the CustomResourceDefinition. There are no objects.
    pub(crate) fn new(cluster: Cluster) -> Self {
        install_crd(&cluster);
        Self::on(HeldCluster::Own(Box::new(cluster)))
    }

    fn on(cluster: HeldCluster) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = kube_client::of(&cluster.kubeconfig(), &runtime);
        Self {
            cluster,
            runtime,
            client,
        }
    }

    pub(crate) fn client(&self) -> &kube::Client {
        &self.client
    }

    pub(crate) fn objects(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("awsauth.dev", "v1alpha1", "AwsAuthMapping");
        Api::all_with(
            self.client.clone(),
            &ApiResource::from_gvk_with_plural(&kind, "awsauthmappings"),
        )
    }

    pub(crate) fn configmaps(&self) -> Api<DynamicObject> {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "ConfigMap"));
        Api::namespaced_with(self.client.clone(), "kube-system", &kind)
    }

    /// Creates or changes an object, as `kubectl apply --server-side` does.
    #[track_caller]
    pub(crate) fn apply(&self, object: &Value) {
        let name = object["metadata"]["name"].as_str().unwrap();
        let apply = PatchParams::apply("test").force();
        let (objects, patch) = (self.objects(), Patch::Apply(object));
        let applied = objects.patch(name, &apply, &patch);
        self.runtime.block_on(applied).unwrap();
    }

    /// Requests a deletion without waiting for it.
    pub(crate) fn delete(&self, name: &str) {
        let (objects, parameters) = (self.objects(), DeleteParams::default());
        let deleted = objects.delete(name, &parameters);
        drop(self.runtime.block_on(deleted).unwrap());
    }

    /// Returns an object; null if it does not exist.
    pub(crate) fn object(&self, name: &str) -> Value {
        let found = self.runtime.block_on(self.objects().get_opt(name));
        serde_json::to_value(found.unwrap()).unwrap()
    }

    /// Returns the status and the reason of the condition Ready, such as `True Applied`.
    pub(crate) fn ready(&self, name: &str) -> String {
        self.condition(name, "Ready")
    }

    pub(crate) fn condition(&self, name: &str, kind: &str) -> String {
        let object = self.object(name);
        let conditions = object["status"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        let Some(found) = conditions.find(|condition| condition["type"] == kind) else {
            return String::new();
        };
        let generation = &object["metadata"]["generation"];
        if found["observedGeneration"] != *generation {
            return "old".to_owned();
        }
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        format!("{} {}", text("status"), text("reason"))
    }

    /// Waits until the condition Ready has this status and reason.
    #[track_caller]
    pub(crate) fn wait_for_ready(&self, name: &str, ready: &str) {
        let mut last = String::new();
        let deadline = Instant::now() + TIMEOUT;
        while last != ready {
            last = self.ready(name);
            assert!(
                Instant::now() < deadline,
                "{name} is {last:?}, not {ready:?}: {:#}",
                self.object(name)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns aws-auth; null if it does not exist.
    pub(crate) fn aws_auth(&self) -> Value {
        let found = self.runtime.block_on(self.configmaps().get_opt("aws-auth"));
        serde_json::to_value(found.unwrap()).unwrap()
    }

    /// Returns a section of aws-auth.
    pub(crate) fn section(&self, name: &str) -> String {
        let text = &self.aws_auth()["data"][name];
        text.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn roles(&self) -> String {
        self.section("mapRoles")
    }

    /// Recreates aws-auth with these roles, as field manager `manager`.
    pub(crate) fn create(&self, roles: &str, manager: &str) {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": roles}});
        let parameters = PostParams {
            field_manager: Some(manager.to_owned()),
            ..PostParams::default()
        };
        let object = serde_json::from_value(object).unwrap();
        let configmaps = self.configmaps();
        let created = configmaps.create(&parameters, &object);
        self.runtime.block_on(created).unwrap();
    }

    /// Replaces a section.
    pub(crate) fn write(&self, section: &str, text: &str, manager: &str) {
        let parameters = PatchParams {
            field_manager: Some(manager.to_owned()),
            ..PatchParams::default()
        };
        let patch = json!({"data": {section: text}});
        let (configmaps, patch) = (self.configmaps(), Patch::Merge(&patch));
        let patched = configmaps.patch("aws-auth", &parameters, &patch);
        self.runtime.block_on(patched).unwrap();
    }

    /// Returns the reasons and notes of all events so far, one per line.
    pub(crate) fn events(&self) -> String {
        let format = "jsonpath={range .items[*]}{.reason}{\" \"}{.regarding.name}{\": \"}{.note}{\"\\n\"}{end}";
        let of = |namespace| {
            let args = ["get", "events.events.k8s.io", "-n", namespace, "-o", format];
            self.cluster.kubectl(&args)
        };
        of("default") + &of("kube-system")
    }

    /// Runs awsauth as a user.
    pub(crate) fn awsauth(&self, args: &[&str]) -> Run {
        let mut command = Command::new(awsauth());
        command
            .env_clear()
            .env("HOME", self.cluster.folder())
            .env("KUBECONFIG", self.cluster.kubeconfig());
        Run::of(command.args(args))
    }

    /// Returns the revisions of the history.
    pub(crate) fn revisions(&self) -> Vec<Value> {
        let history = self.awsauth(&["history", "-o", "json"]).json();
        history["revisions"].as_array().unwrap().clone()
    }

    pub(crate) fn newest_revision(&self) -> String {
        self.revisions().last().unwrap()["revision"].to_string()
    }

    /// Starts a controller with this configuration.
    pub(crate) fn controller(&self, config: &str) -> Controller {
        self.controller_with(config, &[], &[])
    }

    pub(crate) fn controller_with(
        &self,
        config: &str,
        more: &[&str],
        variables: &[(String, String)],
    ) -> Controller {
        let [metrics, health] = ports::free();
        let folder = self.cluster.folder();
        let number = fastrand::u32(..);
        let (file, log) = (
            folder.join(format!("config-{number}.yaml")),
            folder.join(format!("controller-{number}.log")),
        );
        fs::write(&file, config).unwrap();
        let kubeconfig = self.cluster.kubeconfig_for(CONTROLLER.name);
        let args = [
            "controller",
            "--verbose",
            "--log-format=json",
            &format!("--config={}", file.display()),
            &format!("--kubeconfig={}", kubeconfig.display()),
            &format!("--metrics-listen=127.0.0.1:{metrics}"),
            &format!("--health-listen=127.0.0.1:{health}"),
        ];
        let args: Vec<_> = args.iter().chain(more).map(|&arg| arg.to_owned()).collect();
        let process = Supervised::start(&awsauth(), &args, variables, folder, log.clone());
        let controller = Controller {
            process: process.unwrap(),
            log,
            metrics,
            health,
        };
        eventually("the controller serves /healthz", || {
            controller.get(controller.health, "/healthz")
        });
        controller
    }
}

fn install_crd(cluster: &Cluster) {
    let crd = Run::of(Command::new(awsauth()).arg("crd").env_clear());
    cluster.kubectl_fed(&["apply", "--server-side", "-f", "-"], &crd.stdout);
    cluster.kubectl(&[
        "wait",
        "--for=condition=Established",
        "crd/awsauthmappings.awsauth.dev",
        "--timeout=60s",
    ]);
}

impl Controller {
    /// Waits until the controller is ready and holds the lease.
    #[track_caller]
    pub(crate) fn wait_for_lease(self) -> Self {
        eventually("the controller holds the lease", || {
            let ready = self.get(self.health, "/readyz");
            (ready.is_some() && self.metric("awsauth_leader") == Some(1.0)).then_some(())
        });
        self
    }

    /// Returns the text of /readyz; empty if the controller is not ready.
    pub(crate) fn readyz(&self) -> String {
        self.get(self.health, "/readyz").unwrap_or_default()
    }

    fn get(&self, port: u16, path: &str) -> Option<String> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut response = String::new();
        stream.read_to_string(&mut response).ok()?;
        let (head, body) = response.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
    }

    /// Returns the metrics.
    pub(crate) fn metrics(&self) -> String {
        self.get(self.metrics, "/metrics").unwrap_or_default()
    }

    /// Returns the value of a metric, given with its labels.
    pub(crate) fn metric(&self, line: &str) -> Option<f64> {
        let metrics = self.metrics();
        let mut lines = metrics.lines();
        let found = lines.find_map(|text| text.strip_prefix(line)?.strip_prefix(' '))?;
        found.parse().ok()
    }

    /// Returns the log so far, and asserts that it contains no secrets.
    #[track_caller]
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        secrets::assert_none_in(&log);
        log
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends the process with SIGTERM, asserts that it exits with code 0, and returns its log.
    #[track_caller]
    pub(crate) fn terminate(mut self) -> String {
        let pid = self.pid().to_string();
        Run::of(Command::new("kill").args(["-TERM", &pid])).says(0, &[]);
        let ended = eventually("the controller ends", || self.process.ended());
        assert!(ended.starts_with("exit status: 0"), "{ended}");
        self.log()
    }

    /// Ends the process with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.kill();
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}
