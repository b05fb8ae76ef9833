//! The reconciliation loop: decide, record, write, report. Each run covers all objects and aws-auth, so a missed event loses
//! nothing, and runs never overlap.

mod access_entry_writer;
mod aws_auth_writer;
mod external_write_recorder;
mod restore_deleted;

use std::collections::HashSet;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, warn};

use super::Context;
use super::cache::{Cache, ObjectList, StoredAwsAuth};
use super::debounce::Debounce;
use super::eks_state::EksState;
use super::object_writer::{ObjectWriter, aws_auth};
use super::ownership_store::{self, OwnershipStore};
use super::reconcile_metrics::ReconcileMetrics;
use awsauth_core::error_chain;
use awsauth_core::history::Who;
use awsauth_core::plan::Known;
use awsauth_core::reconcile::{
    AwsQuery, Decision, EventKind, Input, Memory, Object, ObjectKind, ObjectReport,
    OwnershipRecord, Reason, Stage, UnlistedAccessEntries, decide, needs_server_time,
};

pub(crate) use access_entry_writer::RunningChanges;
use access_entry_writer::ended;
use aws_auth_writer::NotWritten;
pub(crate) use external_write_recorder::ExternalWriteRecorder;

/// The interval between reconciliations without a known change.
const PERIOD: Duration = Duration::from_secs(600);
/// After being without the lease for longer than this, the replica discards its memory.
const MEMORY_TTL: Duration = Duration::from_secs(30);
/// The timeout of the request for the API server's time.
const SERVER_TIME_TIMEOUT: Duration = Duration::from_secs(3);
/// The minimum delay of a reconciliation that no change triggered.
const MIN_PAUSE: Duration = Duration::from_millis(200);
/// How long a write that removes access waits for updates of objects.
const PREPARE_LIMIT: Duration = Duration::from_secs(1);
/// How often to check, during updates of objects, whether access must end.
const REMOVAL_CHECK_PERIOD: Duration = Duration::from_millis(500);
/// How long updates of objects continue after aws-auth has changed. The repair of a removed node entry may wait this long.
const AWS_AUTH_PATIENCE: Duration = Duration::from_millis(300);
/// How often the wall clock is compared with a known time: it may be corrected, which a sleep does not notice.
const CLOCK_PERIOD: Duration = Duration::from_secs(2);
/// How long to wait for EKS at the start, and for what new objects need.
const EKS_TIMEOUT: Duration = Duration::from_secs(20);
/// How long aws-auth waits for the current nodes. They decide whether a removed node entry is restored.
const NODES_TIMEOUT: Duration = Duration::from_secs(2);
/// How long access entries that could not be changed wait for EKS, unless it responds earlier.
const ENTRIES_RETRY: Duration = Duration::from_secs(15);
/// The shortest time between two attempts to remove expired access while writes fail.
const EXPIRY_RETRY: Duration = Duration::from_secs(2);

/// Reconciles aws-auth with all objects.
pub(crate) struct Reconciler {
    pub(crate) context: Context,
    pub(crate) cache: Arc<Cache>,
    pub(crate) aws_auth: watch::Receiver<Option<StoredAwsAuth>>,
    pub(crate) kinds: Vec<ObjectKind>,
    pub(crate) is_leader: watch::Receiver<bool>,
    pub(crate) eks: watch::Receiver<Arc<EksState>>,
    /// Changes the state after the controller's own writes.
    pub(crate) eks_sender: Arc<watch::Sender<Arc<EksState>>>,
    /// What else to ask AWS.
    pub(crate) aws_query: watch::Sender<AwsQuery>,
    /// Notify this to request the current state from EKS.
    pub(crate) refresh_eks: Arc<Notify>,
    pub(crate) object_writer: ObjectWriter,
    pub(crate) ownership: OwnershipStore,
    /// The ownership record of the current reconciliation.
    pub(crate) record: OwnershipRecord,
    pub(crate) memory: Memory,
    /// The protected entries that this replica has seen while it was on standby.
    pub(crate) standby_memory: Memory,
    pub(crate) reconcile_metrics: ReconcileMetrics,
    /// The controller's own identity; `None` until the API server reports it.
    pub(crate) identity: Option<Who>,
    pub(crate) external_writes: ExternalWriteRecorder,
    /// The last logged reason for which writes are skipped.
    pub(crate) idle_reason: Option<String>,
    /// The error of the last write, if it failed.
    pub(crate) write_error: Option<String>,
    /// The error of the last access to the ownership record, if it failed.
    pub(crate) record_error: Option<String>,
    /// The objects for which EKS was asked again, because it did not return their access entries: their UID, their generation, and whether
    /// their access must end.
    pub(crate) awaited: HashSet<(String, i64, bool)>,
    /// The changes to access entries that are being made.
    pub(crate) running_changes: Option<RunningChanges>,
    /// Deletions that became due meanwhile: creations may be slow.
    pub(crate) running_deletions: Option<RunningChanges>,
    /// When EKS last responded, if aws-auth has waited in vain for the next response.
    pub(crate) awaited_nodes_after: Option<Instant>,
    /// The time of the API server, if the current reconciliation needs it.
    pub(crate) server_time: Option<Timestamp>,
    /// Why the API server's time is unknown although it is needed.
    pub(crate) time_error: Option<String>,
}

/// The result of a reconciliation.
enum ReconcileResult {
    /// Everything is done. Contains the time of the next reconciliation, if it is known.
    Done(Option<Timestamp>),
    /// Everything is done, except for changes to access entries, which are being made or wait for EKS. Contains the same.
    EntriesPending(Option<Timestamp>),
    /// The next reconciliation must start immediately.
    Unfinished,
    /// This replica lost the lease or is shutting down.
    NotLeader,
    /// An error occurred; retry later.
    Failed,
}

impl Reconciler {
    /// Reconciles until shutdown.
    pub(crate) async fn run(mut self) {
        let mut debounce = Debounce::new();
        let mut next_full = Instant::now();
        // When the decision changes without an event, such as an expiry, and the earliest time to decide again.
        let mut next_change: Option<(Timestamp, Instant)> = None;
        let mut waits_for_eks = false;
        let mut was_leader = false;
        // When this replica last lost the lease.
        let mut lease_lost: Option<Instant> = None;
        let mut config = self.context.config.clone();
        if self.context.settings.cluster_name.is_some() {
            // The authentication mode may be API, in which nothing may be written.
            tokio::select! {
                () = self.context.shutdown.requested() => return,
                _ = timeout(EKS_TIMEOUT, self.eks.changed()) => {}
            }
        }
        loop {
            // Also if it changed during a reconciliation, or before the first one.
            if self.is_leader.has_changed().unwrap_or(false) {
                let is_leader = *self.is_leader.borrow_and_update();
                if was_leader {
                    lease_lost = Some(Instant::now());
                    self.remember_protected();
                }
                if is_leader {
                    self.begin_to_lead(lease_lost);
                    debounce.changed(Instant::now());
                }
                was_leader = is_leader;
            }
            let is_leader = was_leader;
            let due = match is_leader {
                true => debounce.due().unwrap_or(next_full).min(next_full),
                false => next_full,
            };
            let retry_at = self.object_writer.retry_at().filter(|_| is_leader);
            let wake = next_change.filter(|_| is_leader);
            let wake = wake.map(|(at, not_before)| wake_at(at).max(not_before));
            tokio::select! {
                biased;
                () = self.context.shutdown.requested() => {
                    // They stop by themselves.
                    for running in [&mut self.running_changes, &mut self.running_deletions] {
                        if running.is_some() {
                            let _ = ended(running).await;
                        }
                    }
                    return;
                }
                changed = self.is_leader.changed() => {
                    if changed.is_err() { return }
                    self.is_leader.mark_changed();
                    continue;
                }
                Ok(()) = self.aws_auth.changed() => {
                    if !is_leader {
                        self.remember_protected();
                    }
                    debounce.changed_urgently(Instant::now());
                    continue;
                }
                (is_deletion, results) = async {
                    tokio::select! {
                        results = ended(&mut self.running_changes) => (false, results),
                        results = ended(&mut self.running_deletions) => (true, results),
                    }
                } => {
                    let running = match is_deletion {
                        true => self.running_deletions.take(),
                        false => self.running_changes.take(),
                    };
                    waits_for_eks = match running {
                        Some(running) => self.conclude_changes(running, results).await,
                        None => false,
                    };
                    match waits_for_eks {
                        true => next_full = Instant::now() + ENTRIES_RETRY,
                        false => debounce.changed_urgently(Instant::now()),
                    }
                    continue;
                }
                () = self.cache.changed() => { debounce.changed(Instant::now()); continue; }
                Ok(()) = config.changed() => { debounce.changed(Instant::now()); continue; }
                Ok(()) = self.eks.changed() => {
                    match waits_for_eks {
                        true => debounce.changed_urgently(Instant::now()),
                        false => debounce.changed(Instant::now()),
                    }
                    continue;
                }
                () = sleep_until_some(retry_at) => {
                    let now = Instant::now();
                    self.object_writer.start_retries(now);
                    debounce.changed(now);
                    continue;
                }
                () = sleep_until_some(wake) => {
                    if next_change.is_some_and(|(at, _)| Timestamp::now() < at) {
                        continue;
                    }
                }
                () = sleep_until(due) => {}
            }
            if !is_leader {
                next_full = Instant::now() + PERIOD;
                continue;
            }
            let started = Instant::now();
            debounce.started(started);
            let result = self.reconcile().await;
            let duration = started.elapsed();
            self.context
                .metrics
                .reconcile_duration
                .observe(duration.as_secs_f64());
            waits_for_eks = matches!(result, ReconcileResult::EntriesPending(_));
            let result = match result {
                ReconcileResult::Done(next) => {
                    debounce.succeeded();
                    next_full = Instant::now() + PERIOD;
                    next_change = next.map(|at| (at, Instant::now() + MIN_PAUSE));
                    self.context.metrics.succeeded();
                    "done"
                }
                ReconcileResult::EntriesPending(next) => {
                    debounce.succeeded();
                    next_full = Instant::now() + ENTRIES_RETRY;
                    next_change = next.map(|at| (at, Instant::now() + MIN_PAUSE));
                    "unfinished"
                }
                ReconcileResult::Unfinished => {
                    next_change = None;
                    debounce.succeeded();
                    debounce.changed_urgently(Instant::now());
                    next_full = Instant::now() + PERIOD;
                    "unfinished"
                }
                ReconcileResult::NotLeader => {
                    next_change = None;
                    next_full = Instant::now() + PERIOD;
                    "not_leader"
                }
                ReconcileResult::Failed => {
                    let delay = debounce.failed(Instant::now());
                    next_full = Instant::now() + PERIOD;
                    // Access may have to end before the retry.
                    next_change = next_change.map(|(at, _)| (at, Instant::now() + EXPIRY_RETRY));
                    debug!(retry_ms = delay.as_millis(), "the reconciliation failed");
                    "failed"
                }
            };
            self.context.metrics.reconciled(result);
            debug!(result, duration_ms = duration.as_millis(), "reconciled");
        }
    }

    /// Discards what another leader may have changed until now.
    fn begin_to_lead(&mut self, lease_lost: Option<Instant>) {
        let now = Instant::now();
        self.eks_sender
            .send_modify(|state| *state = Arc::new(state.with_new_leader(now)));
        self.refresh_eks.notify_one();
        self.ownership.forget();
        self.external_writes.forget();
        // Its watches may lag behind what the previous leader did.
        self.cache.list_again();
        if lease_lost.is_none_or(|at| at.elapsed() > MEMORY_TTL) {
            self.memory = std::mem::take(&mut self.standby_memory);
            self.cache.forget_remembered();
        }
    }

    /// Remembers protected entries while this replica does not lead.
    fn remember_protected(&mut self) {
        if let Some(stored) = &*self.aws_auth.borrow() {
            let config = self.context.config.borrow();
            let memory = &mut self.standby_memory;
            memory.remember_protected(&config.protect, &stored.snapshot);
        }
    }

    async fn reconcile(&mut self) -> ReconcileResult {
        let stored = self.aws_auth.borrow_and_update().clone();
        let (Some(stored), Some(mut list)) = (stored, self.cache.all(&self.kinds)) else {
            // The cache notifies once everything is known.
            return ReconcileResult::Done(None);
        };
        self.observe(&stored).await;
        let eks = Arc::clone(&self.eks.borrow());
        if !stored.exists()
            && let Some(result) = self.restore_deleted(&eks).await
        {
            return result;
        }
        // Without the record, only protected entries are restored.
        let loaded = self.ownership.load().await;
        let is_loaded = loaded.is_ok();
        self.report_record_error(loaded.as_ref().err()).await;
        self.record = loaded.unwrap_or_default();
        if self.cache.is_unknown(ObjectKind::AwsAuthMapping) {
            // The objects may exist in another version of the API.
            self.record.forget_owners();
        }
        if !is_loaded {
            list = ObjectList::default();
        }
        self.find_server_time(&list.objects).await;
        let started = Timestamp::now();
        let mut first = self.decide(Stage::Preparing, &stored, &list, &eks);
        let mut eks = eks;
        let asks_more = self.asks_more(&first.aws_query, &eks);
        if asks_more && first.plan.is_none() && !first.removes_access() {
            // Otherwise, the response starts the next reconciliation.
            let interrupt = self.must_stop_requests(&stored, &list.objects, started, None);
            let query = self.aws_query.borrow().clone();
            let has_answers = move |state: &EksState| state.query.includes(&query);
            eks = self
                .refreshed_eks(eks, EKS_TIMEOUT, has_answers, interrupt)
                .await;
            first = self.decide(Stage::Preparing, &stored, &list, &eks);
        }
        self.report_idle(first.idle.clone()).await;
        // Without a plan, a node group that EKS did not know yet may need a missing entry.
        let needs_refresh = first.needs_fresh_inventory && eks.is_stale();
        let eks = match needs_refresh {
            true => self.with_current_nodes(eks).await,
            false => eks,
        };
        let writes = first.plan.is_some();
        let prepared = !first.prepare.is_empty() || first.prepare_record.is_some();
        let mut decision = first;
        let mut is_unfinished = false;
        let mut is_recorded = is_loaded;
        if let Some(record) = decision.prepare_record.take() {
            is_recorded &= self.save_record(record).await;
        }
        if !decision.prepare.is_empty() {
            let prepare = std::mem::take(&mut decision.prepare);
            debug!(
                objects = prepare.len(),
                "recording pending entries in objects"
            );
            let limit = decision.removes_access().then_some(PREPARE_LIMIT);
            let cancel = self.must_stop_requests(&stored, &list.objects, started, limit);
            is_unfinished |= !self.object_writer.prepare(&mut list, prepare, cancel).await;
        }
        if self.must_not_write() {
            return ReconcileResult::NotLeader;
        }
        if is_unfinished && !writes && decision.entry_changes.is_empty() {
            // Access may have to end, which a report would delay.
            return ReconcileResult::Unfinished;
        }
        let mut stored = stored;
        if writes {
            // If nothing was recorded or refreshed, the first decision is valid as long as aws-auth is unchanged.
            let existed = stored.exists();
            let valid = (!prepared && !needs_refresh).then_some((stored, decision));
            (stored, decision) = match self.write(&list, &eks, existed, valid).await {
                Ok(written) => written,
                Err(NotWritten::Refused) => {
                    self.change_entries_only(&list, eks, is_recorded).await;
                    return ReconcileResult::Failed;
                }
                Err(NotWritten::Other(result)) => return result,
            };
        } else if prepared || needs_refresh {
            decision = self.decide(Stage::Writing, &stored, &list, &eks);
            if decision.plan.is_some() {
                // The configuration or EKS changed in between. Do not report what was not written.
                return ReconcileResult::Unfinished;
            }
        }
        self.reconcile_metrics.update(
            &self.context.metrics,
            &stored.snapshot,
            &decision,
            &self.memory,
            &eks,
        );
        let Decision {
            record,
            reports,
            events,
            memory,
            mut entry_changes,
            has_deferred,
            retry_at,
            ..
        } = decision;
        self.memory = memory;
        if is_recorded {
            is_recorded = self.save_record(record).await;
        }
        if writes && has_deferred {
            // Decide now: if users change objects first, the next reconciliation has to write aws-auth as well, and these
            // changes would wait again.
            let deferred = self.decide(Stage::Writing, &stored, &list, &eks);
            entry_changes = deferred.entry_changes;
        }
        let entries_pending = is_recorded && !entry_changes.is_empty();
        let startable = self.startable(entry_changes);
        if is_recorded && !startable.is_empty() {
            match eks.is_stale() {
                // EKS's response starts the next reconciliation.
                true => self.refresh_eks.notify_one(),
                false => self.start_changes(&list, startable, &eks).await,
            }
        }
        self.ask_for_access_entries(&list.objects, &reports, &eks);
        let objects = list.objects.clone();
        let cancel = self.must_stop_requests(&stored, &objects, started, None);
        is_unfinished |= !self.object_writer.report(&mut list, reports, cancel).await;
        self.object_writer.emit(&objects, &events).await;
        // The watch event of the controller's own write is not a change.
        is_unfinished |= self.aws_auth.borrow_and_update().as_ref() != Some(&stored);
        // Deferred changes are decided again immediately, unless recording them failed: then the retry decides.
        is_unfinished |= has_deferred && self.object_writer.retry_at().is_none();
        if self.must_not_write() {
            ReconcileResult::NotLeader
        } else if !is_recorded {
            ReconcileResult::Failed
        } else if is_unfinished {
            ReconcileResult::Unfinished
        } else if entries_pending {
            ReconcileResult::EntriesPending(retry_at)
        } else {
            ReconcileResult::Done(retry_at)
        }
    }

    fn must_not_write(&self) -> bool {
        !*self.is_leader.borrow() || self.context.shutdown.is_requested()
    }

    /// Completes when [`must_not_write`](Self::must_not_write) becomes true, so that a replica that was suspended does not complete a
    /// write that its successor has overtaken.
    fn write_interrupt(&self) -> impl Future<Output = ()> + use<> {
        let (shutdown, mut is_leader) = (self.context.shutdown.clone(), self.is_leader.clone());
        async move {
            tokio::select! {
                () = shutdown.requested() => {}
                _ = is_leader.wait_for(|is_leader| !is_leader) => {}
            }
        }
    }

    /// Completes when requests about objects must not continue: after `limit`, [`AWS_AUTH_PATIENCE`] after a change of aws-auth, or if the
    /// configuration changed, an object was deleted or has expired `since`, this replica lost the lease, or shutdown began.
    fn must_stop_requests(
        &self,
        stored: &StoredAwsAuth,
        objects: &[Object],
        since: Timestamp,
        limit: Option<Duration>,
    ) -> impl Future<Output = ()> + use<> {
        let (stored, shutdown) = (Some(stored.clone()), self.context.shutdown.clone());
        let (mut aws_auth, mut is_leader) = (self.aws_auth.clone(), self.is_leader.clone());
        let (mut config, cache) = (self.context.config.clone(), Arc::clone(&self.cache));
        config.mark_unchanged();
        let expiries = objects.iter().filter_map(Object::expires_at);
        let expires_at = expiries.filter(|time| *time > since).min();
        let existing = objects.iter().filter(|object| !object.is_deleting);
        let existing: Vec<_> = existing
            .map(|object| (object.kind, object.name.clone(), object.uid.clone()))
            .collect();
        let limit = limit.map(|limit| Instant::now() + limit);
        async move {
            let access_must_end = async {
                loop {
                    let is_expired = expires_at.is_some_and(|time| Timestamp::now() >= time);
                    if is_expired || cache.has_newly_deleted(&existing) {
                        return;
                    }
                    sleep(REMOVAL_CHECK_PERIOD).await;
                }
            };
            // Some requests are always made: another client may write aws-auth all the time.
            let aws_auth_changed = async {
                let _ = aws_auth.wait_for(|now| *now != stored).await;
                sleep(AWS_AUTH_PATIENCE).await;
            };
            tokio::select! {
                () = shutdown.requested() => {}
                () = sleep_until_some(limit) => {}
                () = access_must_end => {}
                _ = is_leader.wait_for(|is_leader| !is_leader) => {}
                () = aws_auth_changed => {}
                Ok(()) = config.changed() => {}
            }
        }
    }

    fn decide(
        &self,
        stage: Stage,
        stored: &StoredAwsAuth,
        list: &ObjectList,
        eks: &EksState,
    ) -> Decision {
        let config = Arc::clone(&self.context.config.borrow());
        let last_writers = self.external_writes.writers_of(stored);
        // After a conflict, aws-auth is newer than what was observed.
        let states = self.cache.states_until(stored);
        let memory = self.external_writes.memory_after(&states, &self.memory);
        let access_entries = eks.snapshot.access_entries.as_ref();
        let running = [&self.running_changes, &self.running_deletions];
        let running = running.into_iter().flatten();
        let hidden = access_entries.map(|entries| {
            running
                .clone()
                .fold(Arc::clone(entries), |entries, running| {
                    Arc::new(running.hide_contents(&entries))
                })
        });
        let mut decision = decide(&Input {
            stage,
            config: &config,
            objects: &list.objects,
            record: &self.record,
            stored: &stored.snapshot,
            last_writers: &last_writers,
            memory: &memory,
            facts: &eks.facts,
            access_entries: hidden.as_ref(),
            unlisted_access_entries: &eks.unlisted_access_entries(),
            aws: &eks.snapshot.aws,
            node_inventory: &eks.node_inventory,
            now: Timestamp::now(),
            server_time: self.server_time,
        });
        for running in running {
            running.withhold_reports(&mut decision, &list.objects, &self.memory);
        }
        decision
    }

    /// Asks the API server for its time, if an object may have expired.
    async fn find_server_time(&mut self, objects: &[Object]) {
        self.server_time = None;
        let mut error = None;
        if needs_server_time(objects, Timestamp::now()) {
            match self.context.client.server_time(SERVER_TIME_TIMEOUT).await {
                Ok(Some(time)) => self.server_time = Some(time),
                Ok(None) => error = Some("its response has no valid header Date".to_owned()),
                Err(fault) => error = Some(error_chain::text(&fault)),
            }
        }
        if self.time_error == error {
            return;
        }
        match &error {
            Some(why) => {
                warn!(
                    error = why,
                    "cannot read the API server's time; no object expires"
                );
                let message =
                    format!("the API server's time is unknown, so no object expires: {why}");
                self.context.health.set_info("expiry", message);
            }
            None => self
                .context
                .health
                .set_info("expiry", "the API server's time is known"),
        }
        self.time_error = error;
    }

    /// Changes access entries although aws-auth cannot be written: otherwise, an immutable aws-auth, or an admission policy of another
    /// tool, would also keep access that must be removed.
    async fn change_entries_only(
        &mut self,
        list: &ObjectList,
        mut eks: Arc<EksState>,
        is_recorded: bool,
    ) {
        let stored = self.aws_auth.borrow().clone();
        let Some(stored) = stored.filter(|_| is_recorded) else {
            return;
        };
        let decided = self.decide(Stage::Writing, &stored, list, &eks);
        let mut changes = self.startable(decided.entry_changes);
        if !changes.is_empty() && eks.is_stale() {
            let responded_at = eks.responded_at;
            eks = self
                .refreshed_eks(eks, EKS_TIMEOUT, |_| true, pending())
                .await;
            if eks.responded_at == responded_at {
                return;
            }
            let decided = self.decide(Stage::Writing, &stored, list, &eks);
            changes = self.startable(decided.entry_changes);
        }
        if !changes.is_empty() {
            self.start_changes(list, changes, &eks).await;
        }
    }

    /// Stores the ownership record; returns whether it is stored.
    async fn save_record(&mut self, record: OwnershipRecord) -> bool {
        let saved = self.ownership.save(&record).await;
        self.report_record_error(saved.as_ref().err()).await;
        if saved.is_ok() {
            self.record = record;
        }
        saved.is_ok()
    }

    /// Reports that the ownership record cannot be read or written, and a repeated error only once.
    async fn report_record_error(&mut self, error: Option<&String>) {
        if self.record_error.as_ref() == error {
            return;
        }
        let name = ownership_store::NAME;
        match error {
            Some(why) => {
                warn!(error = why, "cannot access the ConfigMap {name}; retrying");
                let message = format!(
                    "cannot read or write the ConfigMap {name}, so no entry of an object is written or removed: {why}"
                );
                self.context.health.set_info("ownership", message.clone());
                self.object_writer
                    .event(aws_auth(), EventKind::Warning, "RecordFailed", &message)
                    .await;
            }
            None => self
                .context
                .health
                .set_info("ownership", "the record is stored"),
        }
        self.record_error = error.cloned();
    }

    /// Requests more facts from AWS. Returns whether they are not known yet, and were not requested before.
    fn asks_more(&self, query: &AwsQuery, eks: &EksState) -> bool {
        let is_new = self.aws_query.send_if_modified(|asked| {
            let is_new = !asked.includes(query);
            *asked = query.clone();
            is_new
        });
        is_new && eks.responded_at.is_some() && !eks.query.includes(query)
    }

    /// Returns the state with the current nodes: a node group may have been deleted since the last response. Without a response, they are
    /// unknown, and aws-auth does not wait again until there is one, which starts the next reconciliation.
    async fn with_current_nodes(&mut self, before: Arc<EksState>) -> Arc<EksState> {
        if self.awaited_nodes_after == before.responded_at {
            self.refresh_eks.notify_one();
        } else {
            let refreshed = self
                .refreshed_eks(Arc::clone(&before), NODES_TIMEOUT, |_| true, pending())
                .await;
            if refreshed.responded_at != before.responded_at {
                return refreshed;
            }
            self.awaited_nodes_after = before.responded_at;
            warn!("EKS did not report the state of node groups in time");
        }
        let needs = "a response from EKS".to_owned();
        let mut state = (*before).clone();
        state.node_inventory = Known::Unknown { needs };
        Arc::new(state)
    }

    /// Asks EKS, and returns its next response that `is_enough`; the state `before` after the time limit or an interrupt.
    async fn refreshed_eks(
        &mut self,
        before: Arc<EksState>,
        limit: Duration,
        is_enough: impl Fn(&EksState) -> bool,
        interrupt: impl Future<Output = ()>,
    ) -> Arc<EksState> {
        let last = self.eks.borrow_and_update().responded_at;
        self.refresh_eks.notify_one();
        let is_new = |state: &Arc<EksState>| state.responded_at != last && is_enough(state);
        let refreshed = tokio::select! {
            refreshed = timeout(limit, self.eks.wait_for(is_new)) => refreshed,
            () = interrupt => return before,
        };
        match refreshed {
            Ok(Ok(state)) => Arc::clone(&state),
            _ => before,
        }
    }

    /// Asks EKS again for access entries that it did not return, once for each object and each change of it.
    fn ask_for_access_entries(
        &mut self,
        objects: &[Object],
        reports: &[ObjectReport],
        eks: &EksState,
    ) {
        let mut waiting = HashSet::new();
        let unlisted = eks.unlisted_access_entries();
        if eks.lacks_access_entries() || unlisted != UnlistedAccessEntries::default() {
            let now = Timestamp::now();
            let waits = |report: &ObjectReport| report.status.reason() == Some(Reason::AwsError);
            let all = objects.iter().zip(reports);
            waiting.extend(all.filter(|(_, report)| waits(report)).map(|(object, _)| {
                let is_expired = object.expires_at().is_some_and(|time| time <= now);
                let must_end = object.is_deleting || is_expired;
                (object.uid.clone(), object.generation, must_end)
            }));
        }
        if !waiting.is_subset(&self.awaited) {
            self.refresh_eks.notify_one();
        }
        self.awaited = waiting;
    }

    async fn report_idle(&mut self, idle_reason: Option<String>) {
        if self.idle_reason == idle_reason {
            return;
        }
        match &idle_reason {
            Some(why) => {
                warn!(why, "writes are skipped");
                self.context.health.set_info("idle", why.clone());
                self.object_writer
                    .event(aws_auth(), EventKind::Warning, "Idle", why)
                    .await;
            }
            None => self.context.health.set_info("idle", "no"),
        }
        self.idle_reason = idle_reason;
    }
}

/// Returns when to check whether the wall clock has reached a time.
fn wake_at(at: Timestamp) -> Instant {
    let left = at.duration_since(Timestamp::now());
    let left = Duration::try_from(left).unwrap_or_default();
    Instant::now() + left.min(CLOCK_PERIOD)
}

/// Never completes for `None`.
async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
