//! Leader election: only the replica that holds the Lease writes.
//!
//! A replica stops writing as soon as a renewal fails or times out, which is before another replica may take over. aws-auth is safe
//! even if clocks differ, because each write contains the resourceVersion that it was planned on.

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

use super::Context;
use super::describe_error::describe_lease_error;
use super::shutdown::Shutdown;
use awsauth_kube::CONTROLLER;

/// The duration in seconds of a lease that is not renewed.
const DURATION: u64 = 15;
/// How many seconds before its end the lease is renewed.
const GRACE: u64 = 5;
/// The timeout of a lease request: shorter than the grace period, so that a holder gives up before another replica takes over.
const TIMEOUT: Duration = Duration::from_secs(4);
/// The delay before a retry.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Competes for the lease and reports in `is_leader` whether this replica holds it. Releases it at shutdown.
pub(crate) async fn hold(
    context: Context,
    identity: String,
    is_leader: watch::Sender<bool>,
    shutdown: Shutdown,
) {
    let client = with_timeout(context.client.client());
    let mut last_error = String::new();
    loop {
        let ended = tokio::select! {
            biased;
            manager = manager(&client, &context, &identity) => match manager {
                Ok(manager) => {
                    last_error.clear();
                    compete(&context, &manager, &is_leader, &shutdown).await
                }
                Err(error) => Err(describe_lease_error(&error)),
            },
            () = shutdown.requested() => Ok(()),
        };
        report(&context, &is_leader, false);
        let Err(why) = ended else { return };
        if why != last_error {
            warn!(error = why, "cannot acquire the lease; retrying");
            last_error = why;
        }
        tokio::select! {
            () = shutdown.requested() => return,
            () = sleep(RETRY_DELAY) => {}
        }
    }
}

/// Follows the lease until it fails or shutdown begins.
async fn compete(
    context: &Context,
    manager: &LeaseManager,
    is_leader: &watch::Sender<bool>,
    shutdown: &Shutdown,
) -> Result<(), String> {
    loop {
        let changed = tokio::select! {
            changed = manager.changed() => changed,
            () = shutdown.requested() => {
                if *is_leader.borrow() {
                    match timeout(TIMEOUT, manager.release()).await {
                        Ok(Ok(())) => info!("released the lease"),
                        Ok(Err(error)) => {
                            warn!(error = describe_lease_error(&error), "cannot release the lease");
                        }
                        Err(_) => warn!("cannot release the lease: no response in time"),
                    }
                }
                return Ok(());
            }
        };
        report(
            context,
            is_leader,
            changed.map_err(|error| describe_lease_error(&error))?,
        );
    }
}

/// Reports in the metrics, `/readyz` and the log whether this replica holds the lease.
fn report(context: &Context, sender: &watch::Sender<bool>, is_leader: bool) {
    context.metrics.leader.set(is_leader.into());
    let is_new = sender.send_if_modified(|known| std::mem::replace(known, is_leader) != is_leader);
    let (state, message) = match is_leader {
        true => ("held by this replica", "acquired the lease"),
        false => (
            "not held by this replica, which is on standby",
            "lost the lease",
        ),
    };
    context.health.set_info("lease", state);
    if is_new {
        info!("{message}");
    }
}

/// Returns the lease. Creates it if needed with server-side apply, which RBAC can restrict to its name, unlike create.
async fn manager(
    client: &Client,
    context: &Context,
    identity: &str,
) -> Result<LeaseManager, LeaseManagerError> {
    let (name, namespace) = (&context.settings.lease_name, &context.settings.namespace);
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

/// Returns a client on the same connection whose requests have a shorter timeout.
fn with_timeout(client: &Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    let client = client.clone();
    let service = service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            let response: Response<Body> = timeout(TIMEOUT, client.send(request)).await??;
            Ok::<_, BoxError>(response)
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
