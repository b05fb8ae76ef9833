//! A cluster whose API server calls the webhook for edits to aws-auth.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::commands::harness::plain_cluster;
use crate::support::child_process::Supervised;
use crate::support::cluster::Cluster;
use crate::support::cluster_pool::ClusterGuard;
use crate::support::completed_run::Run;
use crate::support::webhook_client::peak_memory;
use crate::support::{ports, secrets};

pub(crate) const NODE_ROLE: &str = "arn:aws:iam::111122223333:role/node";
pub(crate) const NODE: &str = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n  - system:bootstrappers\n  - system:nodes\n";
pub(crate) const ADMIN: &str = "- rolearn: arn:aws:iam::111122223333:role/admin\n  username: admin\n  groups:\n  - system:masters\n";
pub(crate) const DEV: &str =
    "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups:\n  - devs\n";
pub(crate) const WITH_PATH: &str =
    "- rolearn: arn:aws:iam::111122223333:role/team/x\n  username: x\n  groups:\n  - devs\n";

/// The API server's message for a denied edit.
pub(crate) const DENIED: &str =
    "admission webhook \"guard.awsauth.dev\" denied the request: aws-auth was not changed";
/// The warning for an admitted edit.
pub(crate) const ADMITTED: &str = "Warning: allowed by an awsauth exemption (node-guard): nodes sign in with arn:aws:iam::111122223333:role/node";

/// The timeout for anything on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// RBAC of the webhook (only what it needs), of EKS's user for node groups, and of the other users that edit aws-auth.
const RBAC: &str = include_str!("rbac.yaml");

/// A running controller.
pub(crate) struct Controller {
    server: Supervised,
    log: PathBuf,
    pub(crate) webhook: u16,
    metrics: u16,
    health: u16,
}

/// A cluster with aws-auth whose API server calls a controller.
pub(crate) struct Harness {
    pub(crate) controller: Controller,
    pub(crate) cluster: ClusterGuard,
}

impl Harness {
    /// Starts with a node entry and an administrator in aws-auth, and with enforced admission.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Like [`Self::start`], with more arguments for the controller.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        let cluster = plain_cluster();
        prepare(&cluster);
        let controller = Controller::start(&cluster, args);
        let harness = Self {
            controller,
            cluster,
        };
        harness.put(&[NODE, ADMIN, DEV]);
        harness.configure(harness.controller.webhook);
        harness.controller.wait_until_enforced();
        harness
    }

    /// Makes the API server call this port.
    pub(crate) fn configure(&self, port: u16) {
        configure(&self.cluster, port);
    }

    /// Replaces aws-auth with these roles, under break-glass.
    pub(crate) fn put(&self, roles: &[&str]) {
        let object = configmap(
            &roles.concat(),
            &json!({"awsauth.dev/break-glass": "a test begins"}),
        );
        let applied = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.cluster.kubectl_fed(&applied, &object.to_string());
        self.cluster.kubectl(&[
            "annotate",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "awsauth.dev/break-glass-",
        ]);
        assert_eq!(self.roles(), roles.concat());
    }

    /// Returns mapRoles.
    pub(crate) fn roles(&self) -> String {
        self.cluster.kubectl(&[
            "get",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "-o",
            "jsonpath={.data.mapRoles}",
        ])
    }

    /// Runs kubectl, which may fail.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Run {
        Run::of(self.cluster.kubectl_command().args(args))
    }

    /// Runs kubectl with an object on its standard input.
    pub(crate) fn kubectl_with_input(&self, args: &[&str], object: &Value) -> Run {
        let mut command = self.cluster.kubectl_command();
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(object.to_string().as_bytes()).unwrap();
        drop(stdin);
        Run::ended(child)
    }

    /// Replaces aws-auth with these roles, as `user` (`None`: the cluster's creator).
    pub(crate) fn replace(&self, roles: &[&str], user: Option<&str>) -> Run {
        let mut args = vec!["replace", "-f", "-"];
        args.extend(user.into_iter().flat_map(|user| ["--as", user]));
        self.kubectl_with_input(&args, &configmap(&roles.concat(), &json!({})))
    }

    /// Runs awsauth as the cluster's creator.
    pub(crate) fn awsauth(&self, args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
        command.env_clear().env("HOME", self.cluster.folder());
        command
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .stdin(Stdio::null());
        Run::of(command.args(args))
    }
}

impl Controller {
    /// Starts a controller. It is not ready on return.
    pub(crate) fn start(cluster: &Cluster, args: &[&str]) -> Self {
        let [webhook, metrics, health] = ports::free();
        Self::start_at(cluster, [webhook, metrics, health], args)
    }

    /// Like [`Self::start`], on these ports.
    pub(crate) fn start_at(cluster: &Cluster, ports: [u16; 3], args: &[&str]) -> Self {
        let [webhook, metrics, health] = ports;
        let mut all = vec!["controller".to_owned(), "--webhook".to_owned()];
        for (flag, port) in [
            ("--webhook-listen", webhook),
            ("--metrics-listen", metrics),
            ("--health-listen", health),
        ] {
            all.extend([flag.to_owned(), format!("127.0.0.1:{port}")]);
        }
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        let log = cluster.folder().join(format!("controller-{webhook}.log"));
        let kubeconfig = service_account(cluster);
        let server = Supervised::start(
            Path::new(env!("CARGO_BIN_EXE_awsauth")),
            &all,
            &[("KUBECONFIG".to_owned(), kubeconfig.display().to_string())],
            cluster.folder(),
            log.clone(),
        );
        Self {
            server: server.unwrap(),
            log,
            webhook,
            metrics,
            health,
        }
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    /// Returns the value of a metric. `name` includes its labels.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let (_, page) = get(self.metrics, "/metrics")?;
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        line?.trim().parse().ok()
    }

    /// Returns the number of reviews with this verdict.
    pub(crate) fn reviews(&self, verdict: &str) -> f64 {
        self.metric(&format!(
            "awsauth_admission_reviews_total{{verdict=\"{verdict}\"}}"
        ))
        .unwrap_or_default()
    }

    pub(crate) fn is_enforced(&self) -> bool {
        self.metric("awsauth_admission_enforced") == Some(1.0)
    }

    pub(crate) fn wait_until_enforced(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_enforced() {
            assert!(
                Instant::now() < deadline,
                "not enforced: {}\n{}",
                self.ready(),
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until its log contains this text.
    pub(crate) fn wait_for_log(&self, message: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(message) {
            let (ready, log) = (self.ready(), self.log());
            assert!(Instant::now() < deadline, "no {message}:\n{ready}\n{log}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Returns the body of `/readyz`.
    pub(crate) fn ready(&self) -> String {
        self.readiness().1
    }

    /// Returns the status and the body of `/readyz`.
    pub(crate) fn readiness(&self) -> (u16, String) {
        get(self.health, "/readyz").unwrap_or_default()
    }

    /// Returns its peak memory in bytes, on Linux.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        peak_memory(self.server.pid())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.kill();
        // Searches the log for secrets, like the output of any program.
        Run::of(Command::new("cat").arg(&self.log));
    }
}

/// Returns an aws-auth with these roles.
pub(crate) fn configmap(roles: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system", "annotations": annotations},
        "data": {"mapRoles": roles},
    })
}

/// Creates the RBAC objects of the controller, EKS and the other users.
pub(crate) fn prepare(cluster: &Cluster) {
    cluster.kubectl_fed(&["apply", "-f", "-"], RBAC);
}

/// Applies the configuration of the manifests with a URL, because nothing routes Services here.
pub(crate) fn configure(cluster: &Cluster, port: u16) {
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "awsauth-controller"},
        "webhooks": [{
            "name": "guard.awsauth.dev",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Ignore",
            "matchPolicy": "Equivalent",
            "timeoutSeconds": 3,
            "clientConfig": {"url": format!("https://127.0.0.1:{port}/admit/aws-auth")},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "rules": [{
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE", "DELETE"],
                "resources": ["configmaps"],
                "scope": "Namespaced",
            }],
            "matchConditions": [{
                "name": "is-aws-auth",
                "expression": "(object == null ? oldObject : object).metadata.name == \"aws-auth\"",
            }],
        }],
    });
    cluster.kubectl_fed(&["apply", "-f", "-"], &configuration.to_string());
}

/// Writes a kubeconfig for the controller's own service account.
fn service_account(cluster: &Cluster) -> PathBuf {
    let token = cluster.kubectl(&["create", "token", "awsauth-controller", "-n", "kube-system"]);
    let token = token.trim();
    secrets::know(token);
    let content = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": cluster.server_url(), "certificate-authority": cluster.ca()}}],
        "users": [{"name": "controller", "user": {"token": token}}],
        "contexts": [{"name": "controller", "context": {"cluster": "test", "user": "controller"}}],
        "current-context": "controller",
    });
    let path = cluster
        .folder()
        .join(format!("controller-{:016x}.kubeconfig", fastrand::u64(..)));
    std::fs::write(&path, content.to_string()).unwrap();
    path
}

/// Returns the status and the body of a response, or `None` without a response.
fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
