//! Leader election: only the replica that holds the Lease writes.
//!
//! A holder counts as one only while its lease is confirmed: a renewal that fails or is not answered in time ends its turn, long before
//! another replica may take over. aws-auth is safe even where clocks differ: a write names what it was planned on.

use std::time::Duration;

use http::{Request, Response};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use kube::client::Body;
use kube_lease_manager::{
    LeaseCreateMode, LeaseManager, LeaseManagerBuilder, LeaseManagerError, LeaseParams,
};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower::{BoxError, service_fn};
use tracing::{info, warn};

use super::Running;
use super::fault::why_no_lease;
use super::shutdown::Stop;
use awsauth_kube::CONTROLLER;

/// The duration in seconds of a lease that is not renewed.
const DURATION: u64 = 15;
/// How many seconds before its end the lease is renewed.
const GRACE: u64 = 5;
/// The timeout of a lease request: shorter than the grace period, so that a holder gives up before another replica takes over.
const PATIENCE: Duration = Duration::from_secs(4);
/// The delay before a retry.
const AGAIN: Duration = Duration::from_secs(1);

/// Keeps `leads` saying whether this replica holds the lease, until `stop`; then it is given back.
pub(crate) async fn hold(
    running: Running,
    identity: String,
    leads: watch::Sender<bool>,
    stop: Stop,
) {
    let client = hasty(running.store.client());
    let mut told = String::new();
    loop {
        let ended = tokio::select! {
            biased;
            manager = manager(&client, &running, &identity) => match manager {
                Ok(manager) => {
                    told.clear();
                    turns(&running, &manager, &leads, &stop).await
                }
                Err(error) => Err(why_no_lease(&error)),
            },
            () = stop.asked() => Ok(()),
        };
        say(&running, &leads, false);
        let Err(why) = ended else { return };
        if why != told {
            warn!(error = why, "no lease can be held, which is tried again");
            told = why;
        }
        tokio::select! {
            () = stop.asked() => return,
            () = sleep(AGAIN) => {}
        }
    }
}

async fn turns(
    running: &Running,
    manager: &LeaseManager,
    leads: &watch::Sender<bool>,
    stop: &Stop,
) -> Result<(), String> {
    loop {
        let changed = tokio::select! {
            changed = manager.changed() => changed,
            () = stop.asked() => {
                if *leads.borrow() {
                    match timeout(PATIENCE, manager.release()).await {
                        Ok(Ok(())) => info!("the lease is given back"),
                        Ok(Err(error)) => {
                            warn!(error = why_no_lease(&error), "the lease was not released");
                        }
                        Err(_) => warn!("the lease was not released in time"),
                    }
                }
                return Ok(());
            }
        };
        say(
            running,
            leads,
            changed.map_err(|error| why_no_lease(&error))?,
        );
    }
}

fn say(running: &Running, leads: &watch::Sender<bool>, is_leader: bool) {
    running.metrics.leader.set(is_leader.into());
    let is_new = leads.send_if_modified(|known| std::mem::replace(known, is_leader) != is_leader);
    let turn = match is_leader {
        true => "held by this replica, which works",
        false => "not held by this replica, which waits",
    };
    running.health.remarks("lease", turn);
    if is_new {
        info!("the lease is {turn}");
    }
}

/// The lease, which comes into being if need be: by server-side apply, which RBAC can allow by its name.
async fn manager(
    client: &Client,
    running: &Running,
    identity: &str,
) -> Result<LeaseManager, LeaseManagerError> {
    let (name, namespace) = (&running.settings.lease_name, &running.settings.namespace);
    let api = Api::<Lease>::namespaced(client.clone(), namespace);
    if api.get_opt(name).await?.is_none() {
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}});
        let apply = PatchParams::apply(CONTROLLER);
        api.patch(name, &apply, &Patch::Apply(lease)).await?;
    }
    LeaseManagerBuilder::new(client.clone(), name)
        .with_namespace(namespace)
        .with_parameters(LeaseParams::new(identity, DURATION, GRACE))
        .with_field_manager(format!("{CONTROLLER}-{identity}"))
        .with_create_mode(LeaseCreateMode::UseExistent)
        .build()
        .await
}

/// The same connection, that waits for no answer longer than it has to.
fn hasty(client: &Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    let client = client.clone();
    let service = service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            let answer: Response<Body> = timeout(PATIENCE, client.send(request)).await??;
            Ok::<_, BoxError>(answer)
        }
    });
    Client::new(service, namespace)
}

/// Returns this replica's identity: its host name, which is the pod name, and a part unique to the process.
pub(crate) fn identity() -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    let host: String = host
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c))
        .take(60)
        .collect();
    format!("{host}-{:08x}", fastrand::u32(..))
}
