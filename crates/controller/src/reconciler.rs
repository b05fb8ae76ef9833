//! The loop: what has changed is looked at, decided, recorded, written and reported. One look at a time, and each at everything, so
//! that nothing is lost with an event that was missed.

mod writer;

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, warn};

use super::Running;
use super::cache::{Cache, Roll, Stored};
use super::count::Counted;
use super::debounce::Pace;
use super::eks_cache::EksState;
use super::status_writer::{Recorder, aws_auth};
use awsauth_core::history::Who;
use awsauth_core::plan::Known;
use awsauth_core::reconcile::{Decision, EventKind, Memory, ObjectKind, Stage, View, decide};

/// How often everything is looked at although nothing has changed, as far as is known.
const PERIOD: Duration = Duration::from_secs(600);
/// After so short a time without the lease, nobody else has done much.
const TURN: Duration = Duration::from_secs(30);
/// How long what EKS says is waited for: at the start, and when it decides whether a protected entry is put back.
const PATIENCE: Duration = Duration::from_secs(20);

/// What looks at everything.
pub(crate) struct Looker {
    pub(crate) running: Running,
    pub(crate) cache: Arc<Cache>,
    pub(crate) aws_auth: watch::Receiver<Option<Stored>>,
    pub(crate) kinds: Vec<ObjectKind>,
    pub(crate) leads: watch::Receiver<bool>,
    pub(crate) told: watch::Receiver<Arc<EksState>>,
    /// Has EKS asked at once.
    pub(crate) ask: Arc<Notify>,
    pub(crate) recorder: Recorder,
    pub(crate) memory: Memory,
    pub(crate) counted: Counted,
    /// Who this is to the API server, once it was asked.
    pub(crate) who: Option<Who>,
    /// What was said of why nothing is done.
    pub(crate) idle: Option<String>,
    /// Why the last write failed.
    pub(crate) failing: Option<String>,
}

/// How a look ended.
enum Ended {
    /// Nothing is left to do; and when something will be.
    Done(Option<Timestamp>),
    /// Something is left to do at once.
    Unfinished,
    /// It is not this replica's turn any more, or the process ends.
    NotLeader,
    /// It is to be tried again.
    Failed,
}

impl Looker {
    /// Looks until the process ends.
    pub(crate) async fn run(mut self) {
        let mut pace = Pace::new();
        let mut full = Instant::now();
        // When this replica's last turn ended.
        let mut led: Option<Instant> = None;
        let mut config = self.running.config.clone();
        if self.running.settings.cluster_name.is_some() {
            // It may say that nobody reads aws-auth.
            tokio::select! {
                () = self.running.stop.asked() => return,
                _ = timeout(PATIENCE, self.told.changed()) => {}
            }
        }
        loop {
            let leads = *self.leads.borrow_and_update();
            let due = match leads {
                true => pace.due().unwrap_or(full).min(full),
                false => full,
            };
            let again = self.recorder.again().filter(|_| leads);
            tokio::select! {
                biased;
                () = self.running.stop.asked() => return,
                changed = self.leads.changed() => {
                    if changed.is_err() { return }
                    if *self.leads.borrow() {
                        // What was learnt long before another replica's turn no longer holds.
                        if led.is_none_or(|led| led.elapsed() > TURN) {
                            self.memory = Memory::default();
                            self.cache.forget();
                        }
                        pace.changed(Instant::now());
                    } else {
                        led = Some(Instant::now());
                    }
                    continue;
                }
                Ok(()) = self.aws_auth.changed() => { pace.urgent(Instant::now()); continue; }
                () = self.cache.changed() => { pace.changed(Instant::now()); continue; }
                Ok(()) = config.changed() => { pace.changed(Instant::now()); continue; }
                Ok(()) = self.told.changed() => { pace.changed(Instant::now()); continue; }
                () = at(again) => {
                    let now = Instant::now();
                    self.recorder.due(now);
                    pace.changed(now);
                    continue;
                }
                () = sleep_until(due) => {}
            }
            if !leads {
                full = Instant::now() + PERIOD;
                continue;
            }
            let now = Instant::now();
            pace.begins(now);
            let ended = self.look().await;
            let took = now.elapsed();
            self.running
                .metrics
                .reconcile_duration
                .observe(took.as_secs_f64());
            let result = match ended {
                Ended::Done(again) => {
                    pace.done();
                    full = Instant::now() + again.map_or(PERIOD, until).min(PERIOD);
                    self.running.metrics.succeeded();
                    "done"
                }
                Ended::Unfinished => {
                    pace.done();
                    pace.urgent(Instant::now());
                    full = Instant::now() + PERIOD;
                    "unfinished"
                }
                Ended::NotLeader => {
                    full = Instant::now() + PERIOD;
                    "not_leader"
                }
                Ended::Failed => {
                    let wait = pace.failed(Instant::now());
                    full = Instant::now() + PERIOD;
                    debug!(again_ms = wait.as_millis(), "the reconciliation failed");
                    "failed"
                }
            };
            self.running.metrics.reconciled(result);
            debug!(result, took_ms = took.as_millis(), "reconciled");
        }
    }

    async fn look(&mut self) -> Ended {
        let stored = self.aws_auth.borrow_and_update().clone();
        let (Some(stored), Some(mut roll)) = (stored, self.cache.all(&self.kinds)) else {
            // As soon as all is known, the cache says so.
            return Ended::Done(None);
        };
        let told = Arc::clone(&self.told.borrow());
        let first = self.decide(Stage::Preparing, &stored, &roll, &told);
        self.say_idle(first.idle.clone()).await;
        let asks = first.asks_fleet && first.plan.is_some() && told.is_old();
        let told = match asks {
            true => self.told_anew(told).await,
            false => told,
        };
        let writes = first.plan.is_some();
        let prepared = !first.prepare.is_empty();
        let mut decision = first;
        let mut unfinished = false;
        if prepared {
            let prepare = std::mem::take(&mut decision.prepare);
            debug!(
                objects = prepare.len(),
                "recording what is about to be written"
            );
            let enough = self.enough(&stored);
            unfinished |= !self.recorder.prepare(&mut roll, prepare, enough).await;
        }
        if self.is_over() {
            return Ended::NotLeader;
        }
        let mut stored = stored;
        if writes {
            // Where nothing had to be recorded or asked first, it holds as long as aws-auth is what it was.
            let holds = (!prepared && !asks).then_some((stored, decision));
            (stored, decision) = match self.write(&roll, &told, holds).await {
                Ok(written) => written,
                Err(ended) => return ended,
            };
        } else if prepared {
            decision = self.decide(Stage::Writing, &stored, &roll, &told);
        }
        self.counted.count(
            &self.running.metrics,
            &stored.snapshot,
            &decision,
            &self.memory,
            &told,
        );
        let Decision {
            states,
            events,
            memory,
            waits,
            again,
            ..
        } = decision;
        self.memory = memory;
        let plain = roll.objects.clone();
        let enough = self.enough(&stored);
        unfinished |= !self.recorder.report(&mut roll, states, enough).await;
        self.recorder.tell(&plain, &events).await;
        // What was just written here is seen already.
        unfinished |= self.aws_auth.borrow_and_update().as_ref() != Some(&stored);
        // What can't be recorded is tried again when the recorder says so.
        unfinished |= waits && self.recorder.again().is_none();
        match (self.is_over(), unfinished) {
            (true, _) => Ended::NotLeader,
            (false, true) => Ended::Unfinished,
            (false, false) => Ended::Done(again),
        }
    }

    /// Whether this replica is to write nothing more.
    fn is_over(&self) -> bool {
        !*self.leads.borrow() || self.running.stop.is_asked()
    }

    /// Completes when writing about thousands of objects has to wait, or to end: aws-auth is not this any more, it is another replica's
    /// turn, or the process is asked to end.
    fn enough(&self, stored: &Stored) -> impl Future<Output = ()> + use<> {
        let (stored, stop) = (Some(stored.clone()), self.running.stop.clone());
        let (mut aws_auth, mut leads) = (self.aws_auth.clone(), self.leads.clone());
        async move {
            tokio::select! {
                () = stop.asked() => {}
                _ = leads.wait_for(|leads| !leads) => {}
                _ = aws_auth.wait_for(|now| *now != stored) => {}
            }
        }
    }

    fn decide(&self, stage: Stage, stored: &Stored, roll: &Roll, told: &EksState) -> Decision {
        let config = Arc::clone(&self.running.config.borrow());
        decide(&View {
            stage,
            config: &config,
            objects: &roll.objects,
            stored: &stored.snapshot,
            last_manager: stored.last_manager.as_deref(),
            memory: &self.memory,
            facts: &told.facts,
            access_entries: told.eks.access_entries.as_ref(),
            node_inventory: &told.node_inventory,
            now: Timestamp::now(),
        })
    }

    /// What EKS says now. A node group that is being deleted was not, ten minutes ago.
    async fn told_anew(&mut self, before: Arc<EksState>) -> Arc<EksState> {
        // An answer that came before is none to this.
        self.told.mark_unchanged();
        self.ask.notify_one();
        let asked = timeout(PATIENCE, self.told.changed()).await;
        match asked {
            Ok(Ok(())) => Arc::clone(&self.told.borrow_and_update()),
            _ => {
                warn!("EKS did not say in time what becomes of the node groups");
                let needs = "an answer of EKS".to_owned();
                Arc::new(EksState {
                    node_inventory: Known::Unknown { needs },
                    ..(*before).clone()
                })
            }
        }
    }

    async fn say_idle(&mut self, idle: Option<String>) {
        if self.idle == idle {
            return;
        }
        match &idle {
            Some(why) => {
                warn!(why, "nothing is done");
                self.running.health.remarks("idle", why.clone());
                self.recorder
                    .event(aws_auth(), EventKind::Warning, "Idle", why)
                    .await;
            }
            None => self.running.health.remarks("idle", "no"),
        }
        self.idle = idle;
    }
}

/// How long it is to a point in time.
fn until(at: Timestamp) -> Duration {
    let left = at.duration_since(Timestamp::now());
    Duration::try_from(left)
        .unwrap_or_default()
        .max(Duration::from_millis(200))
}

async fn at(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => pending().await,
    }
}
