//! Makes the decided changes to access entries.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::{debug, info, warn};

use super::{EntriesResult, Reconciler};
use crate::cache::ObjectList;
use crate::eks_state::{EksState, PERIOD};
use awsauth_aws::eks::{EntryChangeError, change_entries};
use awsauth_core::access_entries::EntryChange;
use awsauth_core::error_chain;
use awsauth_core::history::EntryWrite;
use awsauth_core::reconcile::{AccessEntryChange, AccessEntryFailure, Event};
use awsauth_kube::history::record_entries;

/// How long all changes of one reconciliation may take together. aws-auth waits meanwhile.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The delay after the first failure. It doubles with each further one, up to [`PERIOD`].
const FIRST_RETRY: Duration = Duration::from_secs(15);

impl Reconciler {
    /// Makes the changes, and remembers those that fail. The next reconciliation reports the objects.
    pub(super) async fn change_entries(
        &mut self,
        list: &ObjectList,
        changes: Vec<AccessEntryChange>,
        eks: &EksState,
    ) -> EntriesResult {
        let Some(name) = self.context.settings.cluster_name.clone() else {
            return EntriesResult::Pending;
        };
        let by_object = by_object(&changes);
        let of_object = |changes: &&[AccessEntryChange]| -> Vec<EntryChange> {
            changes.iter().map(|change| change.change.clone()).collect()
        };
        let groups: Vec<Vec<EntryChange>> = by_object.iter().map(of_object).collect();
        self.record_entries(groups.concat(), eks).await;
        let options = self.context.settings.credential_options.clone();
        let (is_leader, shutdown) = (self.is_leader.clone(), self.context.shutdown.clone());
        let should_stop = move || !*is_leader.borrow() || shutdown.is_requested();
        let work = tokio::task::spawn_blocking(move || {
            change_entries(&name, &options, &groups, TIME_LIMIT, should_stop)
        });
        let results = match work.await {
            Ok(Ok(results)) => results,
            Ok(Err(error)) => {
                let error = error_chain::text(&error);
                warn!(error, "cannot change access entries; retrying");
                return EntriesResult::Pending;
            }
            Err(panic) => {
                warn!(error = %panic, "cannot change access entries; retrying");
                return EntriesResult::Pending;
            }
        };
        let (mut done, mut events) = (Vec::new(), Vec::<Event>::new());
        let mut is_overtaken = false;
        for (changes, (made, error)) in by_object.into_iter().zip(results) {
            let AccessEntryChange { object, uid, .. } = &changes[0];
            let object = object.map(|at| &list.objects[at]);
            let name = object.map_or("", |object| &object.name);
            let failed = changes.get(made);
            let is_removal = failed.is_some_and(|failed| failed.change.after.is_none());
            for AccessEntryChange { change, event, .. } in &changes[..made] {
                info!(
                    object = name,
                    principal = change.principal_arn,
                    "changed an access entry"
                );
                self.context.metrics.changed_access_entry("changed");
                if let Some(event) = event {
                    let is_repair = event.reason == "DriftRepaired";
                    self.context.metrics.drift_repairs.inc_by(is_repair.into());
                    events.push(event.clone());
                }
                done.push(change.clone());
            }
            match error {
                None => drop(self.memory.entry_failures.remove(uid)),
                Some(EntryChangeError::Stopped) => {}
                Some(error @ EntryChangeError::Overtaken { .. }) => {
                    info!(object = name, "{error}");
                    self.context.metrics.changed_access_entry("conflict");
                    is_overtaken = true;
                }
                Some(EntryChangeError::Eks(message)) => {
                    warn!(
                        object = name,
                        error = message,
                        "cannot change an access entry"
                    );
                    self.context.metrics.changed_access_entry("failed");
                    let failures = &mut self.memory.entry_failures;
                    let before = failures.get(uid);
                    let count = before.map_or(0, |failure| failure.count) + 1;
                    let failure = AccessEntryFailure {
                        generation: object.map_or(0, |object| object.generation),
                        is_removal,
                        message,
                        count,
                        retry_at: retry_at(count),
                    };
                    failures.insert(uid.clone(), failure);
                }
            }
        }
        self.object_writer.emit(&list.objects, &events).await;
        self.eks_sender.send_modify(|state| {
            *state = Arc::new(state.with_entries_changed(&done));
        });
        match is_overtaken {
            true => {
                self.refresh_eks.notify_one();
                EntriesResult::Pending
            }
            false => EntriesResult::Changed,
        }
    }

    /// Stores a copy of the entries in the history.
    async fn record_entries(&mut self, changes: Vec<EntryChange>, eks: &EksState) {
        let Some(mode) = eks.snapshot.mode else {
            return;
        };
        self.find_identity().await;
        let timeout = self.context.settings.timeout;
        let options = self.history_options("AwsAuthMapping objects");
        let client = &self.context.client;
        let recorded = match client.read(timeout).await {
            Ok(live) => record_entries(
                client,
                &options,
                timeout,
                &live,
                EntryWrite::of_changes(mode, changes),
            )
            .await
            .map(drop)
            .map_err(|error| error_chain::text(&*error)),
            Err(error) => Err(error_chain::text(&error)),
        };
        match recorded {
            Ok(()) => debug!("recorded the access entries in the history"),
            Err(error) => warn!(error, "the previous access entries are not in the history"),
        }
    }
}

/// Returns the changes for each object, in the order of the decision: removals come first, and must not wait for slow creations.
fn by_object(changes: &[AccessEntryChange]) -> Vec<&[AccessEntryChange]> {
    let by_object = changes.chunk_by(|one, other| one.uid == other.uid);
    by_object.collect()
}

/// Returns when to retry after this many failures in a row.
fn retry_at(count: u32) -> Timestamp {
    let delay = FIRST_RETRY
        .saturating_mul(1 << (count - 1).min(16))
        .min(PERIOD);
    let delay = delay.mul_f64(0.8 + 0.2 * fastrand::f64());
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    let now = Timestamp::now();
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_keep_the_order_of_the_decision() {
        let change = |object, uid: &str, principal_arn: &str| AccessEntryChange {
            object: Some(object),
            uid: uid.to_owned(),
            change: EntryChange {
                principal_arn: principal_arn.to_owned(),
                before: None,
                after: None,
            },
            event: None,
        };
        let changes = [
            change(2, "removed", "a"),
            change(0, "created", "b"),
            change(0, "created", "c"),
            change(1, "other", "d"),
        ];
        let by_object = by_object(&changes);
        assert_eq!(by_object, [&changes[..1], &changes[1..3], &changes[3..]]);
    }
}
