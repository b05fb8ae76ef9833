//! A Kubernetes API server with etcd on the loopback interface, optionally set up as on EKS.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use http::Request;
use tempfile::TempDir;
use tokio::runtime::Builder;

use super::audit_log;
use super::certificates::Certificates;
use super::child_process::{Supervised, Suspended, Sweeper};
use super::eks::{self, Eks};
use super::exclusive_test;
use super::go_programs::Binary;
use super::kube_client;
use super::ports;
use super::program_output;
use super::server_command_lines::{self, Server, Webhooks};
use super::simulated_aws::Aws;
use super::static_users::{self, StaticUser};

/// The start timeout for a busy machine. On an idle one a start takes two seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running cluster. When the test process ends, even by SIGKILL, all processes, ports and files of the
/// cluster are removed.
pub(crate) struct Cluster {
    // In drop order: the API server must end before etcd.
    eks: Option<Eks>,
    apiserver: Mutex<Supervised>,
    etcd: Mutex<Supervised>,
    folder: TempDir,
    _sweeper: Sweeper,
    apiserver_setup: Server,
    port: u16,
    etcd_port: u16,
    /// The size of the audit log when [`Self::forget_requests`] was called.
    forgotten: AtomicU64,
    kubectl: PathBuf,
}

impl Cluster {
    /// Starts a cluster whose only user is its creator, in group system:masters.
    ///
    /// # Panics
    /// If the servers do not start, with the end of their logs. The other methods panic likewise.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a cluster with these additional users, whose permissions depend on RBAC objects.
    pub(crate) fn start_with(users: &[StaticUser]) -> Self {
        Self::start_as(users, Kind::Plain)
    }

    /// Starts a cluster as on EKS: its API server calls the real aws-iam-authenticator, which watches aws-auth and uses a
    /// simulated AWS. The cluster's name is [`eks::NAME`].
    pub(crate) fn start_eks(users: &[StaticUser]) -> Self {
        Self::start_as(users, Kind::Eks { cache: "0s" })
    }

    /// Like [`Self::start_eks`], and principals with an access entry sign in through it once an EKS API runs in
    /// [`Self::eks_state`].
    pub(crate) fn start_eks_with_access_entries() -> Self {
        Self::start_as(&[], Kind::EksWithAccessEntries)
    }

    /// Starts a cluster with an audit log, which [`Self::asked`] returns.
    pub(crate) fn start_audited(users: &[StaticUser]) -> Self {
        Self::start_as(users, Kind::Audited)
    }

    /// Like [`Self::start_eks`], with this cache time for the authenticator's answers.
    pub(crate) fn start_eks_that_caches(cache: &'static str) -> Self {
        Self::start_as(&[], Kind::Eks { cache })
    }

    fn start_as(users: &[StaticUser], kind: Kind) -> Self {
        exclusive_test::share();
        let mut started = Self::try_start(users, kind);
        // Another process may take a port between its selection and its use.
        if started.as_ref().is_err_and(Failure::is_port_taken) {
            started = Self::try_start(users, kind);
        }
        started.unwrap_or_else(|Failure(reason)| panic!("cannot start a cluster: {reason}"))
    }

    /// Returns a cluster that all tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn try_start(users: &[StaticUser], kind: Kind) -> Result<Self, Failure> {
        let kubectl = Binary::Kubectl.path();
        let folder = TempDir::with_prefix("awsauth-cluster-")?;
        let sweeper = Sweeper::start(folder.path())?;
        let [etcd_port, peer_port, port, webhook_port, sign_in_port] = ports::free();

        let certificates = Certificates::create(folder.path())?;
        let users = [users, &[static_users::ADMIN]].concat();
        let tokens =
            static_users::write(folder.path(), &users, &server_url(port), &certificates.ca)?;
        let etcd = server_command_lines::etcd(folder.path(), etcd_port, peer_port);
        let (authentication, authorization) = match kind {
            Kind::Plain | Kind::Audited => (None, None),
            Kind::Eks { .. } => {
                let webhook = eks::introduce(folder.path(), webhook_port, &certificates)?;
                (Some(webhook), None)
            }
            Kind::EksWithAccessEntries => {
                eks::introduce(folder.path(), webhook_port, &certificates)?;
                let [first, second] = eks::introduce_sign_in(folder.path(), sign_in_port)?;
                (Some(first), Some(second))
            }
        };
        let webhooks = authentication.as_ref().map(|authentication| Webhooks {
            authentication,
            cache: match kind {
                Kind::Eks { cache } => cache,
                _ => "0s",
            },
            authorization: authorization.as_deref(),
        });
        let mut setup = server_command_lines::apiserver(
            folder.path(),
            port,
            etcd_port,
            &certificates,
            &tokens,
            webhooks,
        );
        if kind == Kind::Audited {
            setup.args.extend(audit_log::keep(folder.path())?);
        }

        let mut cluster = Self {
            eks: None,
            // Concurrently: the API server waits for etcd.
            etcd: Mutex::new(etcd.start()?),
            apiserver: Mutex::new(setup.start()?),
            folder,
            _sweeper: sweeper,
            apiserver_setup: setup,
            port,
            etcd_port,
            forgotten: AtomicU64::new(0),
            kubectl,
        };
        // Starts while the API server gets ready.
        let aws = match kind {
            Kind::Plain | Kind::Audited => None,
            Kind::Eks { .. } | Kind::EksWithAccessEntries => {
                Some(Aws::start(&cluster.folder().join("aws"))?)
            }
        };
        cluster.wait_until_ready()?;
        if let Some(aws) = aws {
            let mut eks = Eks::start(cluster.folder(), webhook_port, &cluster.kubeconfig(), aws)?;
            if kind == Kind::EksWithAccessEntries {
                eks.start_sign_in(cluster.folder(), sign_in_port, webhook_port)?;
            }
            cluster.eks = Some(eks);
        }
        Ok(cluster)
    }

    /// Returns the simulated AWS of a cluster from [`Self::start_eks`].
    pub(crate) fn aws(&self) -> &Aws {
        let eks = self.eks.as_ref();
        &eks.expect("a cluster of start_eks").aws
    }

    /// Suspends the API server until the result is dropped.
    pub(crate) fn suspend_apiserver(&self) -> Suspended {
        lock(&self.apiserver).suspend()
    }

    /// Suspends the authenticator of a cluster from [`Self::start_eks`] until the result is dropped.
    pub(crate) fn suspend_authenticator(&self) -> Suspended {
        let eks = self.eks.as_ref();
        eks.expect("a cluster of start_eks").suspend_authenticator()
    }

    /// The folder of the state of EKS that [`Self::start_eks_with_access_entries`] reads.
    pub(crate) fn eks_state(&self) -> PathBuf {
        eks::state_of_api(self.folder.path())
    }

    /// Returns the requests to a cluster from [`Self::start_audited`] since [`Self::forget_requests`], in the order of the responses.
    pub(crate) fn asked(&self) -> Vec<audit_log::Request> {
        audit_log::read(self.folder.path(), self.forgotten.load(Ordering::Relaxed))
    }

    /// Omits all requests so far from [`Self::asked`].
    pub(crate) fn forget_requests(&self) {
        let size = audit_log::size(self.folder.path());
        self.forgotten.store(size, Ordering::Relaxed);
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn etcd_url(&self) -> String {
        server_command_lines::etcd_url(self.etcd_port)
    }

    /// Returns the kubeconfig of the cluster's creator.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig_for(static_users::ADMIN.name)
    }

    /// Returns the kubeconfig of a user that the cluster was started with.
    pub(crate) fn kubeconfig_for(&self, user: &str) -> PathBuf {
        static_users::kubeconfig(self.folder.path(), user)
    }

    /// `https://127.0.0.1:PORT`
    pub(crate) fn server_url(&self) -> String {
        server_url(self.port)
    }

    /// The CA certificate of the server, in PEM form.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// The bearer token of the cluster's creator.
    pub(crate) fn admin_token(&self) -> String {
        static_users::ADMIN.token()
    }

    /// The folder with all files of the cluster, including logs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn kubectl_path(&self) -> &Path {
        &self.kubectl
    }

    /// Returns kubectl as the cluster's creator, without the environment of this process.
    pub(crate) fn kubectl_command(&self) -> Command {
        let mut command = Command::new(&self.kubectl);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.kubeconfig());
        command.stdin(Stdio::null());
        command
    }

    /// Runs kubectl, which must succeed, and returns its output.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        succeeded(
            args,
            program_output::output(self.kubectl_command().args(args)),
        )
    }

    /// Runs kubectl with `input` on its standard input, as for `apply -f -`, and returns its output. It must succeed.
    pub(crate) fn kubectl_fed(&self, args: &[&str], input: &str) -> String {
        let mut command = self.kubectl_command();
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl can be run");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // kubectl reads all input before it prints, so this cannot deadlock.
        stdin
            .write_all(input.as_bytes())
            .expect("kubectl reads its input");
        drop(stdin);
        succeeded(args, program_output::ended(child))
    }

    /// Kills the API server, starts it on the same port with the same data, and returns when it is ready.
    /// Other threads can use the cluster meanwhile.
    pub(crate) fn restart_apiserver(&self) {
        self.kill_apiserver();
        self.start_apiserver();
    }

    /// Kills the API server. Its port is closed on return.
    pub(crate) fn kill_apiserver(&self) {
        lock(&self.apiserver).kill();
    }

    /// Starts the API server after [`Self::kill_apiserver`] and returns when it is ready.
    pub(crate) fn start_apiserver(&self) {
        let started = self.apiserver_setup.start();
        *lock(&self.apiserver) = started.unwrap_or_else(|e| panic!("kube-apiserver: {e}"));
        if let Err(Failure(reason)) = self.wait_until_ready() {
            panic!("the API server did not restart: {reason}");
        }
    }

    /// Kills all processes and removes all files, like `drop`.
    pub(crate) fn stop(self) {
        drop(self);
    }

    fn wait_until_ready(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let client = kube_client::of(&self.kubeconfig(), &runtime);
        // Another program on the port might never respond.
        let answers = |path: &str| {
            let request = Request::get(path)
                .body(Vec::new())
                .expect("a valid request");
            let response = client.request_text(request);
            let limited = async { tokio::time::timeout(Duration::from_secs(2), response).await };
            runtime.block_on(limited).is_ok_and(|answer| answer.is_ok())
        };
        while !(answers("/readyz") && answers("/api/v1/namespaces/kube-system")) {
            for server in [&self.etcd, &self.apiserver] {
                if let Some(log_tail) = lock(server).ended() {
                    return Err(Failure(log_tail));
                }
            }
            if Instant::now() > deadline {
                let log_tail = lock(&self.apiserver).log_tail();
                return Err(Failure(format!("not ready after {PATIENCE:?}: {log_tail}")));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Audited,
    Eks { cache: &'static str },
    EksWithAccessEntries,
}

fn server_url(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// Ignores lock poisoning: a test that panicked did not change the server.
fn lock(server: &Mutex<Supervised>) -> MutexGuard<'_, Supervised> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

fn succeeded(args: &[&str], done: Output) -> String {
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "kubectl {args:?}: {}: {stderr}",
        done.status
    );
    String::from_utf8(done.stdout).expect("kubectl prints UTF-8")
}

struct Failure(String);

impl Failure {
    fn is_port_taken(&self) -> bool {
        self.0.contains("address already in use")
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}
