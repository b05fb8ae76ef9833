//! What EKS reports about the cluster, if `--cluster-name` is set and AWS credentials are available. The controller works without it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::Context;
use awsauth_aws::eks::{EksSnapshot, read_snapshot};
use awsauth_core::access_entries::{EntryChange, changed};
use awsauth_core::error_chain;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::node_inventory::NodeInventory;
use awsauth_core::plan::{Facts, Known};
use awsauth_core::reconcile::AwsQuery;

/// The interval between requests to EKS, which has no watch: a change to an access entry by another client is repaired
/// within this time.
pub(crate) const PERIOD: Duration = Duration::from_secs(600);
/// The delay after an incomplete response. It doubles with each further one, up to [`PERIOD`].
const FIRST_RETRY: Duration = Duration::from_secs(15);
/// A response of this age is treated as current. After an incomplete one, a refresh waits this long.
const FRESH: Duration = Duration::from_secs(5);
/// The name of this part in [`Health`](super::health::Health).
const PART: &str = "EKS";

/// The last response of EKS, in the forms that decisions need.
#[derive(Clone, Debug)]
pub(crate) struct EksState {
    pub(crate) facts: Facts,
    pub(crate) snapshot: EksSnapshot,
    pub(crate) node_inventory: Known<NodeInventory>,
    /// What else was asked of AWS.
    pub(crate) query: AwsQuery,
    /// When the last request ended; `None` before that.
    pub(crate) responded_at: Option<Instant>,
    /// Whether this is a response, possibly an incomplete one.
    pub(crate) is_response: bool,
}

impl Default for EksState {
    fn default() -> Self {
        Self::unknown("--cluster-name NAME, and AWS credentials that allow eks:DescribeCluster")
    }
}

impl EksState {
    fn unknown(needs: impl Into<String>) -> Self {
        Self {
            facts: Facts::default(),
            snapshot: EksSnapshot::default(),
            node_inventory: Known::Unknown {
                needs: needs.into(),
            },
            query: AwsQuery::default(),
            responded_at: None,
            is_response: false,
        }
    }

    pub(crate) fn of(snapshot: EksSnapshot, query: AwsQuery) -> Self {
        let inventory = &snapshot.node_inventory;
        let is_known = inventory.groups.is_some() && inventory.profiles.is_some();
        Self {
            facts: Facts {
                mode: snapshot.mode,
                account: snapshot.account.clone(),
                ..Facts::default()
            },
            node_inventory: match is_known {
                true => Known::Is(inventory.clone()),
                false => Known::Unknown {
                    needs: snapshot.unavailable.join("; "),
                },
            },
            snapshot,
            query,
            responded_at: Some(Instant::now()),
            is_response: true,
        }
    }

    /// Returns the state after the controller changed access entries.
    pub(crate) fn with_entries_changed(&self, changes: &[EntryChange]) -> Self {
        let mut state = self.clone();
        let entries = &mut state.snapshot.access_entries;
        *entries = entries
            .as_ref()
            .map(|entries| Arc::new(changed(entries, changes)));
        state
    }

    /// Returns the state after a failed request; `None` if an earlier response stays in use.
    fn after_failure(&self, missing: String) -> Option<Self> {
        (!self.is_response).then(|| Self {
            responded_at: Some(Instant::now()),
            ..Self::unknown(missing)
        })
    }

    /// Returns whether access entries, or their contents, may be missing from the response.
    pub(crate) fn lacks_access_entries(&self) -> bool {
        let Some(entries) = &self.snapshot.access_entries else {
            return self.snapshot.mode != Some(AuthenticationMode::ConfigMap);
        };
        let all = entries.all();
        all.is_none_or(|all| all.iter().any(|entry| entry.terms.is_none()))
    }

    /// Returns whether EKS may respond differently by now.
    pub(crate) fn is_stale(&self) -> bool {
        self.responded_at.is_some_and(|at| at.elapsed() > FRESH)
    }
}

/// When EKS is asked again.
struct Schedule {
    next_retry: Duration,
}

impl Schedule {
    /// Returns how long to wait after a response.
    fn after(&mut self, is_complete: bool) -> Duration {
        if is_complete {
            self.next_retry = FIRST_RETRY;
            return PERIOD;
        }
        let delay = self.next_retry;
        self.next_retry = delay.saturating_mul(2).min(PERIOD);
        delay
    }
}

/// Asks AWS periodically until shutdown: sooner after an incomplete response, and immediately when `query` changes. A
/// notification of `refresh` also causes a request. Shows what is unavailable in `/readyz`, and logs it when it
/// changes.
pub(crate) async fn poll(
    context: Context,
    sender: Arc<watch::Sender<Arc<EksState>>>,
    mut query: watch::Receiver<AwsQuery>,
    refresh: Arc<Notify>,
) {
    let Some(name) = context.settings.cluster_name.clone() else {
        const NOT_ASKED: &str = "--cluster-name is not set, so the authentication mode, access entries and node groups are unknown";
        context.health.set_info(PART, NOT_ASKED);
        info!("EKS is not asked: {NOT_ASKED}");
        return;
    };
    let mut last_logged = None;
    let mut schedule = Schedule {
        next_retry: FIRST_RETRY,
    };
    loop {
        let asked = query.borrow_and_update().clone();
        let (name, credential_options) =
            (name.clone(), context.settings.credential_options.clone());
        let request = tokio::task::spawn_blocking({
            let (name, asked) = (name.clone(), asked.clone());
            move || read_snapshot(&name, &credential_options, &asked)
        });
        let response = tokio::select! {
            () = context.shutdown.requested() => return,
            response = request => response,
        };
        let (state, missing) = match response {
            Ok(Ok(snapshot)) => {
                let missing = snapshot.unavailable.join("; ");
                (Some(EksState::of(snapshot, asked)), missing)
            }
            Ok(Err(error)) => {
                let error = error_chain::text(&error);
                (
                    None,
                    format!("cannot describe EKS cluster {name:?}: {error}"),
                )
            }
            Err(panic) => (None, panic.to_string()),
        };
        if last_logged.as_ref() != Some(&missing) {
            match missing.is_empty() {
                true => info!("EKS reported everything that was requested"),
                false => warn!(
                    missing,
                    "EKS did not report everything that was requested; retrying"
                ),
            }
            last_logged = Some(missing.clone());
        }
        let mode = state.as_ref().and_then(|state| state.snapshot.mode);
        let mode = mode.map_or("unknown", |mode| mode.name());
        let info = match missing.is_empty() {
            true => format!("authentication mode {mode}"),
            false => format!("authentication mode {mode}; {missing}"),
        };
        context.health.set_info(PART, info);
        let is_complete = missing.is_empty();
        let state = state.or_else(|| sender.borrow().after_failure(missing));
        if let Some(state) = state {
            sender.send_replace(Arc::new(state));
        }
        let delay = schedule.after(is_complete);
        let asked_again = async {
            if !is_complete {
                sleep(FRESH).await;
            }
            refresh.notified().await;
        };
        tokio::select! {
            () = context.shutdown.requested() => return,
            () = sleep(delay) => {}
            () = asked_again => {
                if sender.borrow().lacks_access_entries() {
                    // Expired access can be removed only once the access entries are known.
                    schedule.next_retry = FIRST_RETRY;
                }
            }
            Ok(()) = query.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_response_is_followed_by_another_request_after_15_s() {
        let mut schedule = Schedule {
            next_retry: FIRST_RETRY,
        };
        let mut after = |is_complete: [bool; 9]| is_complete.map(|is| schedule.after(is).as_secs());
        let mut throttled = [false; 9];
        throttled[0] = true;
        let expected = [600, 15, 30, 60, 120, 240, 480, 600, 600];
        assert_eq!(after(throttled), expected);
        assert_eq!(after(throttled), expected);
    }

    #[test]
    fn incomplete_response_stays_in_use_after_a_failed_request() {
        let unknown = EksState::default();
        let failed = unknown.after_failure("throttled".to_owned()).unwrap();
        assert!(failed.responded_at.is_some());
        assert!(failed.after_failure("denied".to_owned()).is_some());
        let without_node_groups = EksSnapshot {
            mode: Some(AuthenticationMode::Api),
            unavailable: vec!["eks:ListNodegroups is denied".to_owned()],
            ..EksSnapshot::default()
        };
        let state = EksState::of(without_node_groups, AwsQuery::default());
        assert!(state.after_failure("throttled".to_owned()).is_none());
    }
}
