//! What EKS adds to a cluster: the real aws-iam-authenticator, and a simulated AWS.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use super::certificates::Certificates;
use super::child_process::{Supervised, Suspended};
use super::go_programs::Binary;
use super::python::Packages;
use super::server_command_lines::Server;
use super::simulated_aws::{ACCOUNT, Aws};

/// The EKS cluster name of [`super::cluster::Cluster::start_eks`].
pub(crate) const NAME: &str = "my-cluster";

/// The role that created the cluster. It signs in as an administrator independently of aws-auth.
pub(crate) const CREATOR: &str = "arn:aws:iam::111122223333:role/cluster-creator";

const PATIENCE: Duration = Duration::from_secs(180);

/// The authenticator and the simulated AWS of a cluster.
pub(crate) struct Eks {
    authenticator: Supervised,
    // Held so that it keeps running.
    _sign_in: Option<Supervised>,
    pub(crate) aws: Aws,
}

impl Eks {
    /// Starts the authenticator and waits until it listens on `port`. The API server of `kubeconfig` must be ready: the
    /// authenticator retries only after 5 s.
    pub(crate) fn start(folder: &Path, port: u16, kubeconfig: &Path, aws: Aws) -> io::Result<Self> {
        fs::write(config(folder), creator().to_string())?;
        let mut authenticator = authenticator(folder, port, kubeconfig, &aws).start()?;
        wait_for_port(&mut authenticator, port)?;
        Ok(Self {
            authenticator,
            _sign_in: None,
            aws,
        })
    }

    /// Suspends the authenticator until the result is dropped. Its port accepts connections, but nothing answers.
    pub(crate) fn suspend_authenticator(&self) -> Suspended {
        self.authenticator.suspend()
    }

    /// Starts the sign-in with access entries, which calls the authenticator on `authenticator_port` for other principals.
    pub(crate) fn start_sign_in(
        &mut self,
        folder: &Path,
        port: u16,
        authenticator_port: u16,
    ) -> io::Result<()> {
        let state = state_of_api(folder);
        fs::create_dir_all(&state)?;
        let python = Packages::Botocore.programs().map_err(io::Error::other)?;
        let args = [
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/eks_sign_in.py").to_owned(),
            port.to_string(),
            state.display().to_string(),
            format!("https://127.0.0.1:{authenticator_port}/authenticate"),
            folder.join("ca.crt").display().to_string(),
            self.aws.plain_endpoint().to_owned(),
        ];
        let log = folder.join("sign-in.log");
        let mut process = Supervised::start(&python.join("python"), &args, &[], folder, log)?;
        wait_for_port(&mut process, port)?;
        self._sign_in = Some(process);
        Ok(())
    }
}

/// Waits until the program listens on the port.
fn wait_for_port(process: &mut Supervised, port: u16) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(log_tail) = process.ended() {
            return Err(io::Error::other(log_tail));
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(process.log_tail()));
        }
        sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The authenticator. It watches aws-auth through `kubeconfig`, and uses STS and EC2 of `aws`.
fn authenticator(folder: &Path, port: u16, kubeconfig: &Path, aws: &Aws) -> Server {
    let user = aws.user(&format!("arn:aws:iam::{ACCOUNT}:user/authenticator"));
    let args = [
        "server",
        &format!("--cluster-id={NAME}"),
        "--backend-mode=MountedFile,EKSConfigMap",
        &format!("--config={}", config(folder).display()),
        &format!("--kubeconfig={}", kubeconfig.display()),
        &format!("--state-dir={}", state(folder).display()),
        "--kubeconfig-pregenerated=true",
        "--address=127.0.0.1",
        &format!("--port={port}"),
    ];
    let variables = aws.environment().with_credentials(&user);
    Server {
        binary: Binary::Authenticator.path(),
        args: args.map(str::to_owned).to_vec(),
        variables: variables
            .variables()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        folder: folder.to_owned(),
    }
}

/// Writes the certificates and configuration for the webhook, and returns the path of the API server's configuration.
pub(crate) fn introduce(
    folder: &Path,
    port: u16,
    certificates: &Certificates,
) -> io::Result<PathBuf> {
    let state = state(folder);
    fs::create_dir_all(&state)?;
    fs::copy(&certificates.server, state.join("cert.pem"))?;
    fs::copy(&certificates.server_key, state.join("key.pem"))?;
    let server = format!("https://127.0.0.1:{port}/authenticate");
    let cluster = json!({"server": server, "certificate-authority": certificates.ca});
    webhook(folder, "webhook.kubeconfig", &cluster)
}

/// Writes the API server's configurations of the webhooks for tokens and for permissions, and returns their paths.
pub(crate) fn introduce_sign_in(folder: &Path, port: u16) -> io::Result<[PathBuf; 2]> {
    let write = |path: &str| {
        let cluster = json!({"server": format!("http://127.0.0.1:{port}/{path}")});
        webhook(folder, &format!("{path}.kubeconfig"), &cluster)
    };
    Ok([write("authenticate")?, write("authorize")?])
}

fn webhook(folder: &Path, file: &str, cluster: &serde_json::Value) -> io::Result<PathBuf> {
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "webhook", "cluster": cluster}],
        "users": [{"name": "apiserver"}],
        "contexts": [{"name": "webhook", "context": {"cluster": "webhook", "user": "apiserver"}}],
        "current-context": "webhook",
    });
    let path = folder.join(file);
    fs::write(&path, kubeconfig.to_string())?;
    Ok(path)
}

/// The folder of the EKS API whose access entries the cluster reads.
pub(crate) fn state_of_api(folder: &Path) -> PathBuf {
    folder.join("eks-api")
}

/// The authenticator's configuration file: the identities that sign in independently of aws-auth.
fn creator() -> serde_json::Value {
    let role =
        json!({"roleARN": CREATOR, "username": "kubernetes-admin", "groups": ["system:masters"]});
    json!({"clusterID": NAME, "server": {"mapRoles": [role]}})
}

fn config(folder: &Path) -> PathBuf {
    folder.join("authenticator.yaml")
}

/// The folder of the authenticator's certificate.
fn state(folder: &Path) -> PathBuf {
    folder.join("authenticator")
}
