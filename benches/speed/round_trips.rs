//! How many round trips to the API server a command waits for, on a network where each takes 50 ms.

use std::fs;
use std::time::{Duration, Instant};

use crate::aws_auth_fixture::{self, patch_back};
use crate::measure::child_process::timed_run;
use crate::measure::latency_proxy::LatencyProxy;
use crate::measure::release_binary::Awsauth;
use crate::measure::timing::{Samples, milliseconds};
use crate::measured_commands::{KUBECTL_GET, MAP_NEW, MAP_NO_OP};
use crate::support::cluster::Cluster;

const ROUND_TRIP: Duration = Duration::from_millis(50);
const ROUNDS: usize = 5;

pub(crate) fn run(awsauth: &Awsauth) {
    let cluster = Cluster::shared();
    aws_auth_fixture::create(cluster);
    let server = cluster.server_url().replace("https://", "");
    let proxy = LatencyProxy::start(server.clone(), ROUND_TRIP).expect("a loopback port");
    let config = fs::read_to_string(cluster.kubeconfig()).expect("a kubeconfig");
    let kubeconfig = cluster.folder().join("delayed.kubeconfig");
    fs::write(&kubeconfig, config.replace(&server, &proxy.address)).expect("a kubeconfig");

    println!(
        "\nWith 50 ms for each round trip; after connecting\n{:<46}{:>10}{:>16}{:>14}  goal",
        "", "requests", "time / 50 ms", "total"
    );
    for (label, arguments, limit) in [
        ("awsauth get", ["get"].as_slice(), 1),
        ("awsauth map, nothing to change", &MAP_NO_OP, 1),
        ("awsauth map, changing mapRoles", &MAP_NEW, 4),
    ] {
        let mut runs = Vec::new();
        for _ in 0..ROUNDS {
            timed_run(&mut patch_back(cluster));
            proxy.take();
            let total = timed_run(&mut awsauth.on(&kubeconfig, arguments));
            runs.push(Run::of(&proxy, total));
        }
        runs.sort_unstable_by_key(|run| run.after_connecting);
        let run = &runs[ROUNDS / 2];
        let missed = if run.requests > limit { "  MISSED" } else { "" };
        println!(
            "{label:<46}{:>10}{:>16.2}{:>14}  ≤ {limit}{missed}",
            run.requests,
            run.after_connecting.as_secs_f64() / ROUND_TRIP.as_secs_f64(),
            milliseconds(run.total),
        );
    }
    let kubectl = (0..ROUNDS).map(|_| {
        timed_run(
            cluster
                .kubectl_command()
                .env("KUBECONFIG", &kubeconfig)
                .args(KUBECTL_GET),
        )
    });
    let kubectl = Samples::new(kubectl.collect());
    println!(
        "{:<72}{:>14}",
        "kubectl get configmap aws-auth -o yaml",
        milliseconds(kubectl.median())
    );
}

/// One run as seen by the proxy.
struct Run {
    /// The number of consecutive requests.
    requests: usize,
    after_connecting: Duration,
    total: Duration,
}

impl Run {
    fn of(proxy: &LatencyProxy, total: Duration) -> Self {
        let ended = Instant::now();
        let connections = proxy.take();
        // The command does not wait for requests on other connections.
        let busiest = connections.iter().max_by_key(|one| one.turns.len());
        let busiest = busiest.expect("a connection");
        // The handshake is complete when the client sends for the second time.
        let [_, requests @ ..] = busiest.turns.as_slice() else {
            panic!("the client sent no request");
        };
        Self {
            requests: requests.len(),
            after_connecting: requests
                .first()
                .map_or(Duration::ZERO, |first| ended - *first),
            total,
        }
    }
}
