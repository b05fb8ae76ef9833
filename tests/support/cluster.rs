//! A Kubernetes API server with its etcd, alone on the loopback interface; and what makes one of EKS of it.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::access::{self, StaticUser};
use super::audit::{self, Request};
use super::aws::Aws;
use super::certificates::Certificates;
use super::eks::{self, Eks};
use super::ports;
use super::secrets;
use super::servers::{self, Server};
use super::supervised::{Supervised, Sweeper};
use super::toolchain::Binary;

/// How long a start may take on a busy machine; on an idle one it takes two seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running cluster. However its process ends, nothing of it is left soon after: no process, no
/// port, no file.
pub(crate) struct Cluster {
    // In the order of their destruction: the API server would complain if it missed its etcd.
    eks: Option<Eks>,
    apiserver: Mutex<Supervised>,
    etcd: Mutex<Supervised>,
    folder: TempDir,
    _sweeper: Sweeper,
    apiserver_setup: Server,
    port: u16,
    kubectl: PathBuf,
}

impl Cluster {
    /// Starts a cluster whose only user is its creator, in group system:masters.
    ///
    /// # Panics
    /// With the servers' last words when they do not come up; so do all methods here.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a cluster that knows `users` too; what they may do is for RBAC objects to say.
    pub(crate) fn start_with(users: &[StaticUser]) -> Self {
        Self::start_as(users, Kind::Plain)
    }

    /// Starts a cluster as EKS has them: its API server asks the real aws-iam-authenticator about tokens, which watches
    /// aws-auth and has an AWS of its own. Its name is [`eks::NAME`].
    pub(crate) fn start_eks(users: &[StaticUser]) -> Self {
        Self::start_as(users, Kind::Eks { cache: "0s" })
    }

    /// Starts one whose API server keeps record of who asks it what, in [`Self::asked`].
    pub(crate) fn start_audited(users: &[StaticUser]) -> Self {
        Self::start_as(users, Kind::Audited)
    }

    /// The same, whose API server counts on what the authenticator has said for as long as this.
    pub(crate) fn start_eks_that_caches(cache: &'static str) -> Self {
        Self::start_as(&[], Kind::Eks { cache })
    }

    fn start_as(users: &[StaticUser], kind: Kind) -> Self {
        let mut started = Self::try_start(users, kind);
        // The ports are chosen a moment before they are bound, so one may be gone by then.
        if started.as_ref().is_err_and(Failure::is_port_taken) {
            started = Self::try_start(users, kind);
        }
        started.unwrap_or_else(|Failure(reason)| panic!("cannot start a cluster: {reason}"))
    }

    /// The cluster that all tests of this process may share. It ends with the process.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn try_start(users: &[StaticUser], kind: Kind) -> Result<Self, Failure> {
        let kubectl = Binary::Kubectl.path();
        let folder = TempDir::with_prefix("awsauth-cluster-")?;
        let sweeper = Sweeper::start(folder.path())?;
        let [etcd_port, peer_port, port, webhook_port] = ports::free();

        let certificates = Certificates::create(folder.path())?;
        let users = [users, &[access::ADMIN]].concat();
        let tokens = access::write(folder.path(), &users, &server_url(port), &certificates.ca)?;
        let etcd = servers::etcd(folder.path(), etcd_port, peer_port);
        let webhook = match kind {
            Kind::Plain | Kind::Audited => None,
            Kind::Eks { cache } => {
                let webhook = eks::introduce(folder.path(), webhook_port, &certificates)?;
                Some((webhook, cache))
            }
        };
        let webhook = webhook
            .as_ref()
            .map(|(path, cache)| (path.as_path(), *cache));
        let mut setup = servers::apiserver(
            folder.path(),
            port,
            etcd_port,
            &certificates,
            &tokens,
            webhook,
        );
        if kind == Kind::Audited {
            setup.args.extend(audit::keep(folder.path())?);
        }

        let mut cluster = Self {
            eks: None,
            // At once: the API server waits for its etcd.
            etcd: Mutex::new(etcd.start()?),
            apiserver: Mutex::new(setup.start()?),
            folder,
            _sweeper: sweeper,
            apiserver_setup: setup,
            port,
            kubectl,
        };
        // Meanwhile.
        let aws = match kind {
            Kind::Plain | Kind::Audited => None,
            Kind::Eks { .. } => Some(Aws::start(&cluster.folder().join("aws"))?),
        };
        cluster.wait_until_ready()?;
        if let Some(aws) = aws {
            cluster.eks = Some(Eks::start(
                cluster.folder(),
                webhook_port,
                &cluster.kubeconfig(),
                aws,
            )?);
        }
        Ok(cluster)
    }

    /// The AWS around a cluster of [`Self::start_eks`].
    pub(crate) fn aws(&self) -> &Aws {
        let eks = self.eks.as_ref();
        &eks.expect("a cluster of start_eks").aws
    }

    /// What was asked so far of a cluster of [`Self::start_audited`], in the order in which it was answered.
    pub(crate) fn asked(&self) -> Vec<Request> {
        audit::read(self.folder.path())
    }

    /// A kubeconfig for the cluster's creator.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig_for(access::ADMIN.name)
    }

    /// A kubeconfig for one of the users that the cluster was started with.
    pub(crate) fn kubeconfig_for(&self, user: &str) -> PathBuf {
        access::kubeconfig(self.folder.path(), user)
    }

    /// `https://127.0.0.1:PORT`
    pub(crate) fn server_url(&self) -> String {
        server_url(self.port)
    }

    /// The authority that signed the server's certificate, in PEM form.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// The bearer token of the cluster's creator.
    pub(crate) fn admin_token(&self) -> String {
        access::ADMIN.token()
    }

    /// Where all files of the cluster are, logs included.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn kubectl_path(&self) -> &Path {
        &self.kubectl
    }

    /// kubectl as the cluster's creator, ready for more arguments, with nothing of the caller's environment.
    pub(crate) fn kubectl_command(&self) -> Command {
        let mut command = Command::new(&self.kubectl);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.kubeconfig());
        command.stdin(Stdio::null());
        command
    }

    /// What kubectl prints; it must succeed.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        succeeded(args, secrets::output(self.kubectl_command().args(args)))
    }

    /// What kubectl prints when it is fed `input`, as with `apply -f -`; it must succeed.
    pub(crate) fn kubectl_fed(&self, args: &[&str], input: &str) -> String {
        let mut command = self.kubectl_command();
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl can be run");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // kubectl reads all of it before it prints anything, so this cannot block both sides.
        stdin
            .write_all(input.as_bytes())
            .expect("kubectl reads its input");
        drop(stdin);
        succeeded(args, secrets::ended(child))
    }

    /// Kills the API server as a crash would, starts it on the same port with the same data, and
    /// returns when it is ready. Other threads may go on using the cluster meanwhile.
    pub(crate) fn restart_apiserver(&self) {
        self.kill_apiserver();
        self.start_apiserver();
    }

    /// Kills the API server as a crash would. Its port is closed on return.
    pub(crate) fn kill_apiserver(&self) {
        lock(&self.apiserver).kill();
    }

    /// Starts the API server after [`Self::kill_apiserver`] and returns when it is ready.
    pub(crate) fn start_apiserver(&self) {
        let started = self.apiserver_setup.start();
        *lock(&self.apiserver) = started.unwrap_or_else(|e| panic!("kube-apiserver: {e}"));
        if let Err(Failure(reason)) = self.wait_until_ready() {
            panic!("the API server did not come back: {reason}");
        }
    }

    /// Kills everything and removes all files, as dropping does.
    pub(crate) fn stop(self) {
        drop(self);
    }

    fn wait_until_ready(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        // Knocking is cheaper than a kubectl, and for most of the start nobody answers.
        let ready = || {
            TcpStream::connect(address).is_ok()
                && self.answers(&["get", "--raw", "/readyz"], "ok")
                && self.answers(
                    &["get", "namespace", "kube-system", "-o", "name"],
                    "namespace/kube-system\n",
                )
        };
        while !ready() {
            for server in [&self.etcd, &self.apiserver] {
                if let Some(last_words) = lock(server).ended() {
                    return Err(Failure(last_words));
                }
            }
            if Instant::now() > deadline {
                let last_words = lock(&self.apiserver).last_words();
                return Err(Failure(format!(
                    "not ready after {PATIENCE:?}: {last_words}"
                )));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn answers(&self, args: &[&str], expected: &str) -> bool {
        // A stranger on our port might never answer.
        let mut command = self.kubectl_command();
        let done = secrets::output(command.args(args).arg("--request-timeout=2s"));
        done.status.success() && done.stdout == expected.as_bytes()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Audited,
    Eks { cache: &'static str },
}

fn server_url(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// A test that panicked while it held the lock left the server as it was.
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
