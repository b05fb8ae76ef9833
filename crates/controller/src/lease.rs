//! Leader election: only the replica that holds the Lease writes.
//!
//! As in [client-go](https://pkg.go.dev/k8s.io/client-go/tools/leaderelection), a replica takes over a Lease that it has not seen change
//! for `DURATION`, and a holder gives up earlier if it cannot renew. Both measure with their own monotonic clocks, so that wall clocks
//! which differ or jump neither give two replicas the Lease nor keep that of a dead one. aws-auth is safe in any case, because each
//! write contains the resourceVersion that it was planned on.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::Context;
use super::describe_error::describe;
use super::shutdown::Shutdown;
use awsauth_kube::CONTROLLER;

/// How long a lease that is not renewed remains valid.
const DURATION: Duration = Duration::from_secs(15);
/// How long after its last successful renewal a holder stops writing.
const RENEWAL_DEADLINE: Duration = Duration::from_secs(10);
/// How often the holder renews the lease.
const RENEWAL_PERIOD: Duration = Duration::from_secs(5);
/// How often a replica on standby reads the lease, and a holder retries.
const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// The timeout of the requests of one attempt.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Competes for the lease and reports in `is_leader` whether this replica holds it. Releases it at shutdown.
pub(crate) async fn hold(
    context: Context,
    identity: String,
    is_leader: watch::Sender<bool>,
    shutdown: Shutdown,
) {
    let mut candidate = Candidate::new(&context, identity);
    // When the last successful renewal began.
    let mut renewed: Option<Instant> = None;
    let mut last_error = String::new();
    while !shutdown.is_requested() {
        let begun = Instant::now();
        let limit = TIMEOUT.min(time_left(renewed));
        let attempt = tokio::select! {
            attempt = timeout(limit, candidate.attempt()) => attempt,
            () = shutdown.requested() => break,
        };
        let error = match attempt {
            Ok(Ok(is_holder)) => {
                renewed = is_holder.then_some(begun);
                String::new()
            }
            Ok(Err(error)) => describe(&error),
            Err(_) => "no response in time".to_owned(),
        };
        if !error.is_empty() && error != last_error {
            warn!(error, "cannot acquire or renew the lease; retrying");
        }
        let is_renewed = error.is_empty() && renewed.is_some();
        last_error = error;
        let pause = match is_renewed {
            true => RENEWAL_PERIOD,
            false => RETRY_PERIOD.min(time_left(renewed)),
        };
        report(&context, &is_leader, renewed.is_some());
        tokio::select! {
            () = sleep(pause) => {}
            () = shutdown.requested() => break,
        }
        if time_left(renewed).is_zero() {
            renewed = None;
            report(&context, &is_leader, false);
        }
    }
    report(&context, &is_leader, false);
    match timeout(TIMEOUT, candidate.release()).await {
        Ok(Ok(true)) => info!("released the lease"),
        Ok(Ok(false)) => {}
        Ok(Err(error)) => warn!(error = describe(&error), "cannot release the lease"),
        Err(_) => warn!("cannot release the lease: no response in time"),
    }
}

/// Returns how long a replica may write that last renewed the lease at this time; without a limit if it does not hold the lease.
fn time_left(renewed: Option<Instant>) -> Duration {
    renewed.map_or(Duration::MAX, |at| {
        RENEWAL_DEADLINE.saturating_sub(at.elapsed())
    })
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

/// A replica that competes for the lease.
struct Candidate {
    api: Api<Lease>,
    name: String,
    identity: String,
    /// The lease's last resourceVersion, and when this replica first saw it.
    seen: (Option<String>, Instant),
}

impl Candidate {
    fn new(context: &Context, identity: String) -> Self {
        let client = context.client.client().clone();
        Self {
            api: Api::namespaced(client, &context.settings.namespace),
            name: context.settings.lease_name.clone(),
            identity,
            seen: (None, Instant::now()),
        }
    }

    /// Renews the lease, or acquires it if no replica holds it any more. Returns whether this replica holds it.
    async fn attempt(&mut self) -> Result<bool, kube::Error> {
        let lease = match self.api.get_opt(&self.name).await? {
            Some(lease) => lease,
            None => self.create().await?,
        };
        if self.seen.0 != lease.metadata.resource_version {
            self.seen = (lease.metadata.resource_version.clone(), Instant::now());
        }
        let spec = lease.spec.clone().unwrap_or_default();
        let now = MicroTime(Timestamp::now());
        let mut changed = json!({"renewTime": now, "leaseDurationSeconds": DURATION.as_secs()});
        match spec.holder_identity.as_deref() {
            Some(holder) if holder == self.identity => {}
            Some(holder) if !holder.is_empty() && self.seen.1.elapsed() < DURATION => {
                return Ok(false);
            }
            _ => {
                let transitions = spec.lease_transitions.unwrap_or(0).saturating_add(1);
                changed["holderIdentity"] = json!(self.identity);
                changed["acquireTime"] = json!(now);
                changed["leaseTransitions"] = json!(transitions);
            }
        }
        self.patch(&lease, changed).await
    }

    /// Creates a lease that no replica holds with server-side apply, which RBAC can restrict to its name, unlike
    /// create.
    async fn create(&self) -> Result<Lease, kube::Error> {
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": self.name}});
        let parameters = PatchParams::apply(CONTROLLER);
        let patch = Patch::Apply(lease);
        self.api.patch(&self.name, &parameters, &patch).await
    }

    /// Gives up the lease. Returns whether this replica held it.
    async fn release(&self) -> Result<bool, kube::Error> {
        let Some(lease) = self.api.get_opt(&self.name).await? else {
            return Ok(false);
        };
        let holder = lease.spec.as_ref();
        let holder = holder.and_then(|spec| spec.holder_identity.as_deref());
        if holder != Some(&self.identity) {
            return Ok(false);
        }
        let released = json!({"holderIdentity": null, "acquireTime": null, "renewTime": null});
        self.patch(&lease, released).await
    }

    /// Changes the lease. Returns `false` if it was changed in the meantime.
    async fn patch(&self, lease: &Lease, spec: Value) -> Result<bool, kube::Error> {
        let version = &lease.metadata.resource_version;
        let patch = json!({"metadata": {"resourceVersion": version}, "spec": spec});
        let parameters = PatchParams {
            field_manager: Some(CONTROLLER.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(patch);
        match self.api.patch(&self.name, &parameters, &patch).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }
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
