use crate::doctor::evidence::{Evidence, Probed, Reached, Trouble};
use crate::probe::{LIMIT, Sent, Way, endpoint, send};

/// What was found at the endpoint.
pub(super) struct Dialled {
    addresses: Result<Vec<String>, Trouble>,
    reached: Option<Vec<Reached>>,
    alive: Option<Result<String, Trouble>>,
}

/// Sends somebody out to look at it.
pub(super) fn send_to(way: &Way) -> Sent<Dialled> {
    let way = way.clone();
    send(LIMIT * 3, way.end, move || dial(&way))
}

/// DNS, connection and life of the endpoint, one after the other.
fn dial(way: &Way) -> Dialled {
    let failed = |trouble| Dialled {
        addresses: Err(trouble),
        reached: None,
        alive: None,
    };
    let door = match endpoint::door(way) {
        Ok(door) => door,
        Err(trouble) => return failed(trouble),
    };
    let is_proxy = door.is_proxy();
    let looking = send(LIMIT, way.end, move || endpoint::addresses(&door));
    let addresses = match looking.wait() {
        Probed::Seen(Ok(addresses)) => addresses,
        Probed::Seen(Err(trouble)) => return failed(trouble),
        Probed::TooLate(_) | Probed::NotAsked(_) => {
            return failed(Trouble {
                cause: format!(
                    "this machine's DNS does not answer within {} s",
                    LIMIT.as_secs()
                ),
                next: "see which resolver is asked: cat /etc/resolv.conf".to_owned(),
            });
        }
    };
    let reached = endpoint::knock(&addresses, is_proxy, LIMIT);
    let is_open = reached.iter().any(|one| one.failed.is_none());
    let shown = addresses.iter().map(|address| address.ip().to_string());
    let mut shown: Vec<String> = shown.collect();
    shown.dedup();
    Dialled {
        addresses: Ok(shown),
        alive: is_open.then(|| endpoint::alive(way, LIMIT)),
        reached: Some(reached),
    }
}

/// Notes what was found at the endpoint; answers whether the API server is alive.
pub(super) fn dialled(evidence: &mut Evidence, dialling: Option<Sent<Dialled>>) -> bool {
    let Some(dialling) = dialling else {
        let needs = || "a kubeconfig (K1)".to_owned();
        evidence.addresses = Probed::NotAsked(needs());
        evidence.reached = Probed::NotAsked(needs());
        evidence.alive = Probed::NotAsked(needs());
        return false;
    };
    match dialling.wait() {
        Probed::Seen(dialled) => {
            let is_alive = matches!(dialled.alive, Some(Ok(_)));
            evidence.addresses = Probed::Seen(dialled.addresses);
            let needs = || "a connection (E2)".to_owned();
            evidence.reached = dialled.reached.map_or_else(
                || Probed::NotAsked("an address (E1)".to_owned()),
                Probed::Seen,
            );
            evidence.alive = dialled
                .alive
                .map_or_else(|| Probed::NotAsked(needs()), Probed::Seen);
            is_alive
        }
        Probed::TooLate(limit) => {
            evidence.addresses = Probed::NotAsked("a look at it in time".to_owned());
            evidence.alive = Probed::TooLate(limit);
            false
        }
        Probed::NotAsked(needs) => {
            evidence.alive = Probed::NotAsked(needs);
            false
        }
    }
}
