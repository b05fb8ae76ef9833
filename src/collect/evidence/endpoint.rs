//! Evidence about the connection to the endpoint.

use crate::collect::{ConnectOptions, LIMIT, Task, endpoint_probe, spawn};
use awsauth_core::doctor::evidence::{
    Collected, ConnectionAttempt, Evidence, LivenessFailure, Problem,
};

/// The evidence about the endpoint.
pub(super) struct EndpointEvidence {
    addresses: Result<Vec<String>, Problem>,
    reached: Option<Vec<ConnectionAttempt>>,
    alive: Option<Result<String, LivenessFailure>>,
}

/// Starts to connect.
pub(super) fn connect(options: &ConnectOptions) -> Task<EndpointEvidence> {
    let options = options.clone();
    spawn(LIMIT * 3, options.end, move || check_endpoint(&options))
}

/// Resolves, connects and asks for liveness, one after the other.
fn check_endpoint(options: &ConnectOptions) -> EndpointEvidence {
    let failed = |problem| EndpointEvidence {
        addresses: Err(problem),
        reached: None,
        alive: None,
    };
    let host = match endpoint_probe::host(options) {
        Ok(host) => host,
        Err(problem) => return failed(problem),
    };
    let is_proxy = host.is_proxy();
    let resolving = spawn(LIMIT, options.end, move || endpoint_probe::addresses(&host));
    let addresses = match resolving.wait() {
        Collected::Seen(Ok(addresses)) => addresses,
        Collected::Seen(Err(problem)) => return failed(problem),
        Collected::TimedOut(_) | Collected::NotRequested(_) => {
            return failed(Problem {
                cause: format!(
                    "this machine's DNS does not respond within {} s",
                    LIMIT.as_secs()
                ),
                next: "check the resolver: cat /etc/resolv.conf".to_owned(),
            });
        }
    };
    let reached = endpoint_probe::connect_all(&addresses, is_proxy, LIMIT);
    let is_open = reached.iter().any(|one| one.failed.is_none());
    let shown = addresses.iter().map(|address| address.ip().to_string());
    let mut shown: Vec<String> = shown.collect();
    shown.dedup();
    EndpointEvidence {
        addresses: Ok(shown),
        alive: is_open.then(|| endpoint_probe::alive(options, LIMIT)),
        reached: Some(reached),
    }
}

/// Adds the evidence about the endpoint. Returns whether the API server is alive.
pub(super) fn add_endpoint(
    evidence: &mut Evidence,
    connecting: Option<Task<EndpointEvidence>>,
) -> bool {
    let Some(connecting) = connecting else {
        let needs = || "a kubeconfig (K1)".to_owned();
        evidence.addresses = Collected::NotRequested(needs());
        evidence.connections = Collected::NotRequested(needs());
        evidence.livez = Collected::NotRequested(needs());
        return false;
    };
    match connecting.wait() {
        Collected::Seen(seen) => {
            let is_alive = matches!(seen.alive, Some(Ok(_)));
            evidence.addresses = Collected::Seen(seen.addresses);
            let needs = || "a connection (E2)".to_owned();
            evidence.connections = seen.reached.map_or_else(
                || Collected::NotRequested("an address (E1)".to_owned()),
                Collected::Seen,
            );
            evidence.livez = seen
                .alive
                .map_or_else(|| Collected::NotRequested(needs()), Collected::Seen);
            is_alive
        }
        Collected::TimedOut(limit) => {
            evidence.addresses = Collected::NotRequested("a timely response".to_owned());
            evidence.connections = Collected::TimedOut(limit);
            evidence.livez = Collected::TimedOut(limit);
            false
        }
        Collected::NotRequested(needs) => {
            evidence.addresses = Collected::NotRequested(needs.clone());
            evidence.connections = Collected::NotRequested(needs.clone());
            evidence.livez = Collected::NotRequested(needs);
            false
        }
    }
}
