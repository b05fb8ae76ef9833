//! `fleet get` on clusters whose API servers take 50 ms for each response: time and memory.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use rcgen::generate_simple_self_signed;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::measure::child_process::timed_run;
use crate::measure::peak_memory;
use crate::measure::release_binary::Awsauth;
use crate::measure::timing::{Samples, heading, interleaved, row, row_at_most};
use crate::support::fake_api::{FakeApi, Scenario, eksctl_made};

const DELAY: Duration = Duration::from_millis(50);
const CLUSTERS: usize = 500;
const ROUNDS: usize = 5;
const MEMORY_LIMIT: u64 = 100 << 20;

pub(crate) fn run(awsauth: &Awsauth) {
    let fleet = Fleet::start();
    let get = |contexts: &str| fleet.get(awsauth, contexts);
    let mut next = 0;
    let [one, hundred, all] = interleaved(
        ROUNDS,
        [
            &mut || {
                next += 1;
                timed_run(&mut get(&format!("c{next:03}")))
            },
            &mut || timed_run(&mut get("c1*")),
            &mut || timed_run(&mut get("*")),
        ],
    );
    heading("awsauth fleet get --concurrency 100, 50 ms for each response");
    // Each run asks another cluster.
    let slowest = Samples::new(vec![one.percentile(100)]);
    row("1 cluster, slowest", &slowest);
    row_at_most("100 clusters", &hundred, &slowest, Some(2.0));
    row_at_most("500 clusters, relative to 100", &all, &hundred, Some(5.0));
    for (label, contexts) in [("100 clusters", "c1*"), ("500 clusters", "*")] {
        let peak = peak_memory::peak(&get(contexts));
        let missed = if peak > MEMORY_LIMIT { "  MISSED" } else { "" };
        println!(
            "peak memory, {label:<33}{:>10.1} MiB  ≤ {} MiB{missed}",
            peak as f64 / f64::from(1 << 20),
            MEMORY_LIMIT >> 20
        );
    }
}

/// API servers that take a while for each response, and a kubeconfig with the contexts `c000` to `c499`.
struct Fleet {
    _servers: Vec<FakeApi>,
    _runtime: Runtime,
    folder: tempfile::TempDir,
}

impl Fleet {
    fn start() -> Self {
        let runtime = Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let names = ["127.0.0.1".to_owned()];
        let certificate = generate_simple_self_signed(names).expect("a certificate");
        let key = certificate.signing_key.serialize_der();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.cert.der().clone()],
                key.try_into().expect("a key"),
            );
        let acceptor = TlsAcceptor::from(Arc::new(config.expect("a certificate")));
        let servers = runtime.block_on(async {
            let mut servers = Vec::new();
            for _ in 0..CLUSTERS {
                let scenario = Scenario::Slow {
                    method: Method::GET,
                    delay: DELAY,
                };
                let tls = Some(acceptor.clone());
                servers.push(FakeApi::start_with(scenario, Some(eksctl_made()), tls).await);
            }
            servers
        });
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.crt");
        fs::write(&ca, certificate.cert.pem()).expect("a file");
        fs::write(folder.path().join("config"), kubeconfig(&servers, &ca)).expect("a file");
        Self {
            _servers: servers,
            _runtime: runtime,
            folder,
        }
    }

    fn get(&self, awsauth: &Awsauth, contexts: &str) -> Command {
        let kubeconfig = self.folder.path().join("config");
        let kubeconfig = kubeconfig.to_str().expect("a path");
        awsauth.command([
            "fleet",
            "get",
            "--kubeconfig",
            kubeconfig,
            "--contexts",
            contexts,
            "--concurrency",
            "100",
        ])
    }
}

fn kubeconfig(servers: &[FakeApi], ca: &Path) -> String {
    let (mut clusters, mut contexts) = (String::new(), String::new());
    for (number, server) in servers.iter().enumerate() {
        let _ = writeln!(
            clusters,
            "- name: c{number:03}\n  cluster: {{server: \"{}\", certificate-authority: {}}}",
            server.url,
            ca.display()
        );
        let _ = writeln!(
            contexts,
            "- name: c{number:03}\n  context: {{cluster: c{number:03}, user: me}}"
        );
    }
    format!(
        "apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user: {{token: a-token}}\nclusters:\n{clusters}contexts:\n{contexts}"
    )
}
