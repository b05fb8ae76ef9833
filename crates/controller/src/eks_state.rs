//! What EKS reports about the cluster, if `--cluster-name` is set and AWS credentials are available. The controller works without it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::Context;
use awsauth_aws::eks::{EksSnapshot, VISIBILITY_LIMIT, read_snapshot};
use awsauth_core::access_entries::{EntryChange, changed};
use awsauth_core::arn::comparable;
use awsauth_core::error_chain;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::node_inventory::NodeInventory;
use awsauth_core::plan::{Facts, Known};
use awsauth_core::reconcile::{AwsQuery, UnlistedAccessEntries};

/// The interval between requests to EKS, which has no watch: a change to an access entry by another client is repaired
/// within this time.
pub(crate) const PERIOD: Duration = Duration::from_secs(600);
/// The delay after an incomplete response. It doubles with each further one, up to [`PERIOD`].
const FIRST_RETRY: Duration = Duration::from_secs(15);
/// A response of this age is treated as current. After an incomplete one, a refresh waits this long.
const FRESH: Duration = Duration::from_secs(5);
/// The name of this part in [`Health`](super::health::Health).
const PART: &str = "EKS";

/// EKS's last response, in the forms that decisions need.
#[derive(Clone, Debug)]
pub(crate) struct EksState {
    pub(crate) facts: Facts,
    pub(crate) snapshot: EksSnapshot,
    pub(crate) node_inventory: Known<NodeInventory>,
    /// What else was asked of AWS.
    pub(crate) query: AwsQuery,
    /// The last changes that this replica made to access entries and that EKS may not show yet, by principal.
    own_changes: BTreeMap<String, OwnChange>,
    /// Until when other replicas may have changed access entries.
    led_by_others_until: Option<Instant>,
    /// When the request for this response was sent; `None` without a response.
    requested_at: Option<Instant>,
    /// When the last request ended; `None` before that.
    pub(crate) responded_at: Option<Instant>,
    /// Whether this is a response, possibly an incomplete one.
    pub(crate) is_response: bool,
}

/// A change that this replica made, or may have made.
#[derive(Clone, Debug)]
struct OwnChange {
    change: EntryChange,
    is_made: bool,
    ended_at: Instant,
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
            own_changes: BTreeMap::new(),
            led_by_others_until: None,
            requested_at: None,
            responded_at: None,
            is_response: false,
        }
    }

    pub(crate) fn of(snapshot: EksSnapshot, query: AwsQuery, requested_at: Instant) -> Self {
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
            own_changes: BTreeMap::new(),
            led_by_others_until: None,
            requested_at: Some(requested_at),
            responded_at: Some(Instant::now()),
            is_response: true,
        }
    }

    /// Returns the state when EKS has responded, and the answers to `query` are outstanding: it keeps the last ones.
    fn without_answers(&self, mut snapshot: EksSnapshot, requested_at: Instant) -> Self {
        snapshot.aws = self.snapshot.aws.clone();
        self.followed_by(Self::of(snapshot, self.query.clone(), requested_at))
    }

    /// Returns the state after this replica made the `made` changes to access entries. The `uncertain` ones may have been made.
    pub(crate) fn with_entries_changed(
        &self,
        made: &[EntryChange],
        uncertain: &[EntryChange],
        ended_at: Instant,
    ) -> Self {
        let mut state = self.clone();
        for (changes, is_made) in [(made, true), (uncertain, false)] {
            let own = changes.iter().map(|change| {
                let change = change.clone();
                let principal_arn = change.principal_arn.clone();
                let own = OwnChange {
                    change,
                    is_made,
                    ended_at,
                };
                (principal_arn, own)
            });
            state.own_changes.extend(own);
        }
        state.apply(made);
        state
    }

    fn apply(&mut self, changes: &[EntryChange]) {
        let entries = &mut self.snapshot.access_entries;
        if let Some(entries) = entries.as_mut().filter(|_| !changes.is_empty()) {
            *entries = Arc::new(changed(entries, changes));
        }
    }

    /// Returns the state when this replica becomes the leader.
    pub(crate) fn with_new_leader(&self, since: Instant) -> Self {
        Self {
            led_by_others_until: Some(since),
            ..self.clone()
        }
    }

    /// Returns the next response, with the changes of this replica that it does not show yet.
    fn followed_by(&self, mut next: Self) -> Self {
        next.led_by_others_until = self.led_by_others_until;
        next.own_changes.clone_from(&self.own_changes);
        let Some(requested_at) = next.requested_at else {
            return next;
        };
        let is_unsettled = |at: &Instant| requested_at < *at + VISIBILITY_LIMIT;
        next.led_by_others_until = next.led_by_others_until.filter(is_unsettled);
        next.own_changes
            .retain(|_, own| is_unsettled(&own.ended_at));
        let Some(entries) = next.snapshot.access_entries.clone() else {
            return next;
        };
        let hidden = next.own_changes.values().filter(|own| {
            let found = entries.of(&own.change.principal_arn);
            let is_earlier = requested_at <= own.ended_at;
            own.is_made && (is_earlier || own.change.is_before(found))
        });
        let hidden: Vec<EntryChange> = hidden.map(|own| own.change.clone()).collect();
        next.apply(&hidden);
        next
    }

    /// Returns which access entries may exist although the response lacks them.
    pub(crate) fn unlisted_access_entries(&self) -> UnlistedAccessEntries {
        let uncertain = self.own_changes.values().filter(|own| !own.is_made);
        UnlistedAccessEntries {
            any: self.led_by_others_until.is_some(),
            principals: uncertain
                .map(|own| comparable(&own.change.principal_arn))
                .collect(),
        }
    }

    /// Returns the principals of the access entries that EKS may not find yet.
    pub(crate) fn new_access_entries(&self, now: Instant) -> HashSet<String> {
        let new = self
            .own_changes
            .values()
            .filter(|own| own.change.after.is_some() && now < own.ended_at + VISIBILITY_LIMIT);
        new.map(|own| own.change.principal_arn.clone()).collect()
    }

    /// Returns how long to wait until a response shows everything that was changed so far; `None` if this one does.
    fn settles_in(&self, now: Instant) -> Option<Duration> {
        let own = self.own_changes.values().map(|own| own.ended_at);
        let last = own.chain(self.led_by_others_until).max()?;
        Some((last + VISIBILITY_LIMIT).saturating_duration_since(now))
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
        // This request answers the notifications until now.
        let _ = refresh.notified().now_or_never();
        let requested_at = Instant::now();
        let request = tokio::task::spawn_blocking({
            let (name, asked, sender) = (name.clone(), asked.clone(), Arc::clone(&sender));
            let read = move |snapshot| {
                sender.send_modify(|state| {
                    *state = Arc::new(state.without_answers(snapshot, requested_at));
                });
            };
            move || read_snapshot(&name, &credential_options, &asked, read)
        });
        let response = tokio::select! {
            () = context.shutdown.requested() => return,
            response = request => response,
        };
        let (state, missing) = match response {
            Ok(Ok(snapshot)) => {
                let missing = snapshot.unavailable.join("; ");
                let state = EksState::of(snapshot, asked, requested_at);
                (Some(state), missing)
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
            sender.send_modify(|before| *before = Arc::new(before.followed_by(state)));
        }
        let delay = schedule.after(is_complete);
        let settles_in = sender.borrow().settles_in(Instant::now());
        let delay = settles_in.map_or(delay, |settles_in| delay.min(settles_in.max(FRESH)));
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
    use awsauth_core::authenticator::AccessEntries;
    use awsauth_core::facts::access_entries::{AccessEntry, AccessTerms};

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
        let state = EksState::of(without_node_groups, AwsQuery::default(), Instant::now());
        assert!(state.after_failure("throttled".to_owned()).is_none());
    }
    const ROLE: &str = "arn:aws:iam::111122223333:role/new";

    fn response(names: &[&str], requested_at: Instant) -> EksState {
        let entry = |name: &&str| AccessEntry {
            principal_arn: ROLE.replace("new", name),
            terms: Some(AccessTerms::default()),
        };
        let entries = names.iter().map(entry).collect();
        let entries = AccessEntries::new(AuthenticationMode::Api, Some(entries));
        let snapshot = EksSnapshot {
            access_entries: Some(Arc::new(entries)),
            ..EksSnapshot::default()
        };
        EksState::of(snapshot, AwsQuery::default(), requested_at)
    }

    fn change(is_creation: bool) -> EntryChange {
        let terms = Some(AccessTerms::default());
        let (before, after) = if is_creation {
            (None, terms)
        } else {
            (terms, None)
        };
        EntryChange {
            principal_arn: ROLE.to_owned(),
            before,
            after,
        }
    }

    fn has_entry(state: &EksState) -> bool {
        let entries = state.snapshot.access_entries.as_ref().unwrap();
        entries.of(ROLE).is_some()
    }

    #[test]
    fn own_change_outlives_responses_that_do_not_show_it_yet() {
        for is_creation in [true, false] {
            let names: &[&str] = if is_creation { &[] } else { &["new"] };
            let requested_at = Instant::now();
            let ended_at = requested_at + Duration::from_secs(20);
            let changed = response(names, requested_at);
            let changed = changed.with_entries_changed(&[change(is_creation)], &[], ended_at);
            assert_eq!(has_entry(&changed), is_creation);

            // To requests from before and after the change.
            let late = changed
                .followed_by(response(names, requested_at))
                .followed_by(response(names, ended_at));
            assert_eq!(has_entry(&late), is_creation);
            assert_eq!(
                late.unlisted_access_entries(),
                UnlistedAccessEntries::default()
            );
            let new = late.new_access_entries(ended_at).len();
            assert_eq!(new, usize::from(is_creation));
            assert_eq!(late.settles_in(ended_at), Some(VISIBILITY_LIMIT));

            // By now, EKS shows the change, so another client has reverted it.
            let settled_at = ended_at + VISIBILITY_LIMIT;
            assert!(late.new_access_entries(settled_at).is_empty());
            let next = late.followed_by(response(names, settled_at));
            assert_eq!(has_entry(&next), !is_creation);
            assert_eq!(next.settles_in(settled_at), None);
        }
    }

    #[test]
    fn entry_of_another_replica_or_of_a_lost_answer_may_be_unlisted() {
        let unlisted = |any, principals: &[&str]| UnlistedAccessEntries {
            any,
            principals: principals.iter().map(|&arn| arn.to_owned()).collect(),
        };
        let now = Instant::now();
        let state = response(&["other"], now);
        assert_eq!(state.unlisted_access_entries(), unlisted(false, &[]));
        let state = state.with_new_leader(now);
        let state = state.with_entries_changed(&[], &[change(true)], now);
        assert!(!has_entry(&state));
        assert_eq!(state.unlisted_access_entries(), unlisted(true, &[ROLE]));
        let state = state.followed_by(EksState::default());
        let state = state.followed_by(response(&["other"], now));
        assert_eq!(state.unlisted_access_entries(), unlisted(true, &[ROLE]));
        let state = state.followed_by(response(&["other"], now + VISIBILITY_LIMIT));
        assert_eq!(state.unlisted_access_entries(), unlisted(false, &[]));
        // In the mode CONFIG_MAP, there is nothing to wait for.
        let state = state.with_new_leader(now);
        let snapshot = EksSnapshot::default();
        let next = EksState::of(snapshot, AwsQuery::default(), now + VISIBILITY_LIMIT);
        assert_eq!(state.followed_by(next).settles_in(now), None);
    }
}
