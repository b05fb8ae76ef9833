//! The command lines of the servers of a test cluster.

use std::io;
use std::path::{Path, PathBuf};

use super::certificates::Certificates;
use super::child_process::Supervised;
use super::go_programs::Binary;

/// A server that can be restarted with the same data.
pub(crate) struct Server {
    pub(crate) binary: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) folder: PathBuf,
}

impl Server {
    /// Starts the server. It is not ready on return.
    pub(crate) fn start(&self) -> io::Result<Supervised> {
        let name = self
            .binary
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let log = self.folder.join(format!("{name}.log"));
        Supervised::start(&self.binary, &self.args, &self.variables, &self.folder, log)
    }
}

/// etcd with its data in `folder`, without fsync.
pub(crate) fn etcd(folder: &Path, port: u16, peer_port: u16) -> Server {
    let (client, peer) = (etcd_url(port), etcd_url(peer_port));
    let args = vec![
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
        // The API server's own compaction begins again with each of its restarts, and the soak writes 2 GiB in half an hour.
        "--auto-compaction-mode=periodic".to_owned(),
        "--auto-compaction-retention=5m".to_owned(),
        "--quota-backend-bytes=8589934592".to_owned(),
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
    ];
    Server {
        binary: Binary::Etcd.path(),
        args,
        variables: less_garbage_collection(),
        folder: folder.to_owned(),
    }
}

/// The webhooks of an API server, each in a kubeconfig.
#[derive(Clone, Copy)]
pub(crate) struct Webhooks<'a> {
    pub(crate) authentication: &'a Path,
    /// How long the API server caches rejected tokens.
    pub(crate) cache: &'a str,
    pub(crate) authorization: Option<&'a Path>,
}

/// kube-apiserver on `port`, with etcd on `etcd_port`, the users in `tokens`, and for other tokens these webhooks.
pub(crate) fn apiserver(
    folder: &Path,
    port: u16,
    etcd_port: u16,
    certificates: &Certificates,
    tokens: &Path,
    webhooks: Option<Webhooks<'_>>,
) -> Server {
    let mut args = vec![
        format!("--etcd-servers={}", etcd_url(etcd_port)),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        // Must not be a loopback address. With an address for documentation it does not inspect the routes.
        "--advertise-address=192.0.2.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--cert-dir={}", folder.join("apiserver").display()),
        format!("--tls-cert-file={}", certificates.server.display()),
        format!(
            "--tls-private-key-file={}",
            certificates.server_key.display()
        ),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!(
            "--service-account-key-file={}",
            certificates.service_account_public_key.display()
        ),
        format!(
            "--service-account-signing-key-file={}",
            certificates.service_account_key.display()
        ),
        "--service-cluster-ip-range=10.96.0.0/24".to_owned(),
        format!("--token-auth-file={}", tokens.display()),
        // No controller creates service accounts here, and without them the plugin rejects every pod.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
    ];
    let mut authorizers = "RBAC";
    if let Some(webhooks) = webhooks {
        args.extend([
            format!(
                "--authentication-token-webhook-config-file={}",
                webhooks.authentication.display()
            ),
            "--authentication-token-webhook-version=v1".to_owned(),
            // Accepted tokens are cached for at least 10 s, which no flag changes.
            format!(
                "--authentication-token-webhook-cache-ttl={}",
                webhooks.cache
            ),
        ]);
        if let Some(path) = webhooks.authorization {
            authorizers = "RBAC,Webhook";
            args.extend([
                format!("--authorization-webhook-config-file={}", path.display()),
                "--authorization-webhook-version=v1".to_owned(),
                "--authorization-webhook-cache-authorized-ttl=1ns".to_owned(),
                "--authorization-webhook-cache-unauthorized-ttl=1ns".to_owned(),
            ]);
        }
    }
    args.push(format!("--authorization-mode={authorizers}"));
    Server {
        binary: Binary::KubeApiserver.path(),
        args,
        variables: less_garbage_collection(),
        folder: folder.to_owned(),
    }
}

/// With Go's default, a third of the processor time of a starting API server is garbage collection.
fn less_garbage_collection() -> Vec<(String, String)> {
    vec![("GOGC".to_owned(), "400".to_owned())]
}

/// The address of etcd on this port.
pub(super) fn etcd_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
