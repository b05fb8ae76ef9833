//! Makes the decided changes to access entries.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::Reconciler;
use crate::cache::ObjectList;
use crate::eks_state::{EksState, PERIOD};
use awsauth_aws::eks::{DescribeError, EntryChangeError, change_entries};
use awsauth_core::access_entries::EntryChange;
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::error_chain;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::history::EntryWrite;
use awsauth_core::reconcile::{
    AccessEntryChange, AccessEntryFailure, Decision, Event, Memory, Object, Regarding,
};
use awsauth_kube::history::{record_entries, revision_of_entries};

/// How long all changes that were started together may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The delay after the first failure. It doubles with each further one, up to [`PERIOD`].
const FIRST_RETRY: Duration = Duration::from_secs(15);

type Results = Vec<(usize, Option<EntryChangeError>)>;

/// Changes that are being made. aws-auth does not wait for them.
pub(crate) struct RunningChanges {
    changes: Vec<AccessEntryChange>,
    /// The objects of the decision.
    objects: Vec<Object>,
    work: JoinHandle<Result<Results, DescribeError>>,
}

impl RunningChanges {
    /// Returns the access entries, without the contents of those that are being changed.
    pub(super) fn hide_contents(&self, entries: &AccessEntries) -> AccessEntries {
        let changed = self.changes.iter().map(|change| {
            let principal_arn = &change.change.principal_arn;
            let unknown = AccessEntry {
                principal_arn: principal_arn.clone(),
                terms: None,
            };
            (principal_arn.as_str(), Some(unknown))
        });
        entries.with(changed)
    }

    /// Leaves the objects as they are whose access entries are being changed: the decision does not know what these contain.
    pub(super) fn withhold_reports(
        &self,
        decision: &mut Decision,
        objects: &[Object],
        memory: &Memory,
    ) {
        let is_changing = |uid: &str| self.changes.iter().any(|change| change.uid == uid);
        for (object, report) in objects.iter().zip(&mut decision.reports) {
            if is_changing(&object.uid) {
                report.status = object.status.clone();
                report.remove_finalizer = false;
            }
        }
        decision.events.retain(|event| match event.regarding {
            Regarding::Object(at) => !is_changing(&objects[at].uid),
            Regarding::AwsAuth => true,
        });
        let failures = memory.entry_failures.iter();
        let failures = failures.filter(|(uid, _)| is_changing(uid));
        let failures = failures.map(|(uid, failure)| (uid.clone(), failure.clone()));
        decision.memory.entry_failures.extend(failures);
    }
}

/// Completes when the changes have ended; never, if there are none.
pub(super) async fn ended(running: &mut Option<RunningChanges>) -> Result<Results, String> {
    let Some(changes) = running else {
        return pending().await;
    };
    match (&mut changes.work).await {
        Ok(results) => results.map_err(|error| error_chain::text(&error)),
        Err(panic) => Err(panic.to_string()),
    }
}

impl Reconciler {
    /// Returns the changes that can be started now: while others run, only those of objects that just lose entries.
    pub(super) fn startable(&self, changes: Vec<AccessEntryChange>) -> Vec<AccessEntryChange> {
        if self.running_changes.is_none() {
            return changes;
        }
        if self.running_deletions.is_some() {
            return Vec::new();
        }
        let is_deletion = |change: &AccessEntryChange| change.change.after.is_none();
        let by_object = by_object(&changes).into_iter();
        let deletions = by_object.filter(|changes| changes.iter().all(is_deletion));
        deletions.flatten().cloned().collect()
    }

    /// Begins to make the changes, which are [startable](Self::startable). When they have ended, call
    /// [`conclude_changes`](Self::conclude_changes).
    pub(super) async fn start_changes(
        &mut self,
        list: &ObjectList,
        changes: Vec<AccessEntryChange>,
        eks: &EksState,
    ) {
        let Some(name) = self.context.settings.cluster_name.clone() else {
            return;
        };
        let of_object = |changes: &&[AccessEntryChange]| -> Vec<EntryChange> {
            changes.iter().map(|change| change.change.clone()).collect()
        };
        let groups: Vec<Vec<EntryChange>> = by_object(&changes).iter().map(of_object).collect();
        let unlisted = eks.new_access_entries(Instant::now());
        self.record_entries(groups.concat(), eks).await;
        let options = self.context.settings.credential_options.clone();
        let (is_leader, shutdown) = (self.is_leader.clone(), self.context.shutdown.clone());
        let should_stop = move || !*is_leader.borrow() || shutdown.is_requested();
        let work = tokio::task::spawn_blocking(move || {
            change_entries(&name, &options, &groups, &unlisted, TIME_LIMIT, should_stop)
        });
        let running = Some(RunningChanges {
            changes,
            objects: list.objects.clone(),
            work,
        });
        match self.running_changes {
            None => self.running_changes = running,
            Some(_) => self.running_deletions = running,
        }
    }

    /// Remembers which changes were made and which failed. The next reconciliation reports the objects. Returns whether changes wait for
    /// EKS.
    pub(super) async fn conclude_changes(
        &mut self,
        ended: RunningChanges,
        results: Result<Results, String>,
    ) -> bool {
        let results = match results {
            Ok(results) => results,
            Err(error) => {
                warn!(error, "cannot change access entries; retrying");
                return true;
            }
        };
        let (mut done, mut uncertain) = (Vec::new(), Vec::new());
        let mut events = Vec::<Event>::new();
        let (mut is_overtaken, mut may_be_outdated) = (false, false);
        let new = self.eks.borrow().new_access_entries(Instant::now());
        for (changes, (made, error)) in by_object(&ended.changes).into_iter().zip(results) {
            let AccessEntryChange { object, uid, .. } = &changes[0];
            let object = object.map(|at| &ended.objects[at]);
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
                Some(EntryChangeError::Stopped { may_have_changed }) => {
                    let failed = failed.filter(|_| may_have_changed);
                    uncertain.extend(failed.map(|failed| failed.change.clone()));
                }
                Some(error @ EntryChangeError::Overtaken { .. }) => {
                    // EKS does not find a new entry sooner because it is asked again.
                    may_be_outdated |=
                        failed.is_none_or(|failed| !new.contains(&failed.change.principal_arn));
                    info!(object = name, "{error}");
                    self.context.metrics.changed_access_entry("conflict");
                    is_overtaken = true;
                }
                Some(EntryChangeError::Eks {
                    message,
                    may_have_changed,
                }) => {
                    let failed = failed.filter(|_| may_have_changed);
                    uncertain.extend(failed.map(|failed| failed.change.clone()));
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
        self.object_writer.emit(&ended.objects, &events).await;
        let now = Instant::now();
        self.eks_sender.send_if_modified(|state| {
            let is_modified = !done.is_empty() || !uncertain.is_empty();
            if is_modified {
                *state = Arc::new(state.with_entries_changed(&done, &uncertain, now));
            }
            is_modified
        });
        if may_be_outdated {
            self.refresh_eks.notify_one();
        }
        is_overtaken
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
                revision_of_entries(&options, EntryWrite::of_changes(mode, changes)),
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
