//! One write to aws-auth: read, plan, dry run, store a copy, PUT with the resourceVersion that was read, read the response.
//!
//! If other clients write at the same time, there is no dry run. If they change fields other than `data`, such as annotations, a
//! JSON patch takes the place of the PUT: it tests `data` instead of the resourceVersion.

mod error;
mod options;

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};
use tokio::{join, select};

use super::NAME;
use super::api_client::{ApiClient, Mode};
use super::backoff::WriteBackoff;
use super::history::HistoryRecorder;
use super::interrupt::ChangeInProgress;
use super::live_config_map::Live;
use super::request_error::Fault;
use awsauth_core::aws_auth_snapshot::Change;
use awsauth_core::facts::limits::CONFIG_MAP_BYTES;

pub use error::{FinalState, WriteError};
pub use options::{Outcome, WriteOptions, Written};

/// The extra time for a write that is in progress when the time limit ends.
const GRACE: Duration = Duration::from_secs(5);
/// The time after a write during which another one is expected. The API server records its time in whole seconds.
const BURST: Duration = Duration::from_secs(2);
/// With less time left than this, the write is not retried.
const LAST_CHANCE: Duration = Duration::from_millis(40);

/// Writes the change that `plan` returns for the stored aws-auth. After each conflict, `plan` is called again with the
/// new state. If it returns `None`, no request is sent.
///
/// `first` is the state that the caller has already read, if any. Without conflicts, a write takes two requests: one
/// more without `first`, and one more to store a copy. After `interrupt` completes, a request that may change the
/// object is still awaited, and the error reports the final state.
///
/// # Errors
/// If the plan, the object or the API server refuses the change, or no attempt succeeds within the time limit.
pub async fn write<E: std::error::Error + 'static>(
    client: &ApiClient,
    first: Option<Live>,
    plan: impl FnMut(&Live) -> Result<Option<Change>, E>,
    options: &WriteOptions,
    interrupt: impl Future<Output = ()>,
) -> Result<Written, WriteError<E>> {
    let _change = ChangeInProgress::new();
    let run = Run {
        client,
        options,
        started: Instant::now(),
        deadline: Instant::now() + options.timeout,
        backoff: options.backoff.clone(),
        brief_backoff: options.backoff.brief(),
        attempt_started: Instant::now(),
        unconfirmed: None,
        lost_to: BTreeMap::new(),
        has_existed: false,
        attempts: 0,
        is_contended: false,
        may_patch: true,
        refused_patch: None,
    };
    let record = options.record.as_ref().filter(|_| !options.dry_run);
    let mut recorder = record.map(|record| HistoryRecorder::new(client, record, options.timeout));
    let ended = run
        .carry_out(first, plan, &mut recorder, pin!(interrupt))
        .await;
    let Some(recorder) = recorder else {
        return ended;
    };
    match ended {
        Ok(written) if written.outcome != Outcome::Unchanged => {
            let copy = recorder.finish().await;
            Ok(Written { copy, ..written })
        }
        Err(error) if error.may_be_written() => Err(error),
        ended => {
            recorder.withdraw().await;
            ended
        }
    }
}

/// A write without a response.
struct UnconfirmedWrite {
    change: Change,
    before: Live,
    fault: Fault,
}

/// What a write sends.
enum Body {
    /// The object, which does not exist yet.
    New(Bytes),
    /// The whole object, for the resourceVersion that was read.
    Object(Bytes),
    /// A patch that applies while the plan's input is the same.
    Patch(Bytes),
}

struct Run<'a> {
    client: &'a ApiClient,
    options: &'a WriteOptions,
    started: Instant,
    deadline: Instant,
    /// The delays while other clients wait for each other, too.
    backoff: WriteBackoff,
    /// All other delays.
    brief_backoff: WriteBackoff,
    /// When the current attempt started.
    attempt_started: Instant,
    unconfirmed: Option<UnconfirmedWrite>,
    /// The clients that changed the object between two attempts, and how often.
    lost_to: BTreeMap<String, u32>,
    /// Whether a read has found the object.
    has_existed: bool,
    attempts: u32,
    /// Whether other clients write at the same time. In this case, there is no dry run: admission judges the write anyway, and a
    /// request in between gives other clients time to win the next race.
    is_contended: bool,
    /// Whether the caller may patch aws-auth, as far as is known.
    may_patch: bool,
    /// What the last patch was made for, if the API server refused it.
    refused_patch: Option<Live>,
}

impl Run<'_> {
    async fn carry_out<E: std::error::Error + 'static, I: Future<Output = ()>>(
        mut self,
        mut first: Option<Live>,
        mut plan: impl FnMut(&Live) -> Result<Option<Change>, E>,
        recorder: &mut Option<HistoryRecorder<'_>>,
        mut interrupt: Pin<&mut I>,
    ) -> Result<Written, WriteError<E>> {
        loop {
            let live = match first.take() {
                Some(live) => live,
                None => {
                    self.attempt_started = Instant::now();
                    self.unless(&mut interrupt, self.read()).await??
                }
            };
            if let Some(unconfirmed) = self.unconfirmed.take() {
                let changed = live.resource_version() != unconfirmed.before.resource_version();
                if changed && live.holds(&unconfirmed.change) {
                    return Ok(self.written(unconfirmed.before, live));
                }
                if Instant::now() >= self.deadline {
                    return Err(self.unknown(unconfirmed));
                }
                self.unconfirmed = Some(unconfirmed);
            }
            if !live.exists() && self.has_existed {
                return Err(WriteError::Deleted);
            }
            self.has_existed |= live.exists();
            if let Some(writer) = live.last_writer().filter(|_| self.attempts > 0) {
                *self.lost_to.entry(writer.name).or_default() += 1;
            }
            let planned = plan(&live).map_err(WriteError::Plan)?;
            let Some(change) = planned.filter(|change| !change.is_empty()) else {
                // The unanswered write was applied, and another client has written since.
                return Ok(match self.unconfirmed.take() {
                    Some(unconfirmed) => self.written(unconfirmed.before, live),
                    None => Written {
                        outcome: Outcome::Unchanged,
                        before: live.clone(),
                        stored: live,
                        attempts: self.attempts,
                        copy: None,
                    },
                });
            };
            if self.attempts == 0 && recorder.as_ref().is_some_and(HistoryRecorder::has_folder) {
                self.is_contended = changed_recently(&live);
            }
            let next = self.object_to_send(&live, &change)?;
            let body = self.body(&live, &next);
            self.attempts += 1;
            let trial = async {
                let dry_run = async {
                    match self.is_contended && !self.options.dry_run {
                        true => Ok(next.clone()),
                        false => self.send(&body, Mode::DryRun).await,
                    }
                };
                let prepare = async {
                    match recorder.as_mut() {
                        Some(recorder) if self.is_contended => {
                            recorder.prepare_for_contention().await;
                        }
                        Some(recorder) => recorder.prepare().await,
                        None => {}
                    }
                };
                join!(dry_run, prepare).0
            };
            let tried = self.unless(&mut interrupt, trial).await?;
            if let (true, Ok(_)) = (self.options.dry_run, &tried) {
                return Ok(self.written(live, tried.unwrap_or_default()));
            }
            let next = match tried {
                Ok(next) => next,
                Err(fault) => {
                    self.wait_to_retry(&live, fault, recorder, &mut interrupt)
                        .await?;
                    continue;
                }
            };
            if let Some(recorder) = recorder.as_mut() {
                let record = recorder.record(&live, &next);
                let recorded = self.unless(&mut interrupt, record).await?;
                recorded.map_err(|source| WriteError::NoCopy { source })?;
            }
            let (answer, interrupted) = self.send_to_the_end(&body, &mut interrupt).await;
            if interrupted {
                return Err(WriteError::Interrupted {
                    state: self.state_after_interrupt(answer, &live, &change).await,
                });
            }
            match answer {
                Ok(stored) => {
                    if let Some(recorder) = recorder.as_mut() {
                        recorder.stored(&stored);
                    }
                    return Ok(self.written(live, stored));
                }
                Err(fault) if fault.may_be_applied() => {
                    if let Some(recorder) = recorder.as_mut() {
                        recorder.mark_unconfirmed();
                    }
                    let retry_after = fault.retry_after().unwrap_or_default();
                    let wait = self.next_wait(&live).max(retry_after);
                    self.unconfirmed = Some(UnconfirmedWrite {
                        change,
                        before: live,
                        fault,
                    });
                    let left = self.deadline.saturating_duration_since(Instant::now());
                    self.unless(&mut interrupt, sleep(wait.min(left))).await?;
                }
                Err(fault) => {
                    if matches!(body, Body::Patch(_)) && !fault.is_transient() {
                        self.may_patch &= !matches!(fault, Fault::Forbidden(_));
                        self.refused_patch = Some(live.clone());
                    }
                    self.wait_to_retry(&live, fault, recorder, &mut interrupt)
                        .await?;
                }
            }
        }
    }

    /// Reads the object. If a write is unconfirmed, the read may exceed the time limit.
    async fn read<E: std::error::Error + 'static>(&self) -> Result<Live, WriteError<E>> {
        match &self.unconfirmed {
            // A read after a lost race may exceed the time limit. Otherwise the error would blame the server.
            None if self.attempts == 0 => Ok(self.client.read_until(self.deadline).await?),
            None => Ok(self.client.read_until(self.late()).await?),
            Some(_) => {
                let deadline = self.late();
                self.client
                    .read_until(deadline)
                    .await
                    .map_err(|source| WriteError::Unknown { source })
            }
        }
    }

    /// Returns the object after the change, if it may be changed.
    fn object_to_send<E: std::error::Error + 'static>(
        &self,
        live: &Live,
        change: &Change,
    ) -> Result<Live, WriteError<E>> {
        let target = || Arc::new(self.client.target().clone());
        if !live.exists() && !self.options.create {
            return Err(WriteError::Missing);
        }
        if live.is_being_deleted() {
            return Err(WriteError::BeingDeleted { target: target() });
        }
        if live.is_immutable() {
            return Err(WriteError::Immutable { target: target() });
        }
        let next = Live::stored(live.with(change));
        let size = next.size();
        if size > CONFIG_MAP_BYTES && size > live.size() {
            return Err(WriteError::TooLarge { size });
        }
        Ok(next)
    }

    /// Returns what turns `live` into `next`.
    fn body(&mut self, live: &Live, next: &Live) -> Body {
        // If the plan's input is the same, the patch was refused for another reason, which the response to a PUT explains.
        let refused = self.refused_patch.take();
        let is_refused = refused.is_some_and(|before| before.has_same_plan_input(live));
        match live.exists() {
            false => Body::New(next.to_json().into()),
            true if self.is_contended
                && !self.options.dry_run
                && self.may_patch
                && !is_refused
                && changes_other_fields(live) =>
            {
                Body::Patch(live.patch_to(next).into())
            }
            true => Body::Object(next.to_json().into()),
        }
    }

    async fn send(&self, body: &Body, mode: Mode) -> Result<Live, Fault> {
        let deadline = match mode {
            Mode::DryRun if self.attempts == 1 => self.deadline,
            Mode::DryRun => self.late(),
            // If the write were cut short, the result would be unknown.
            Mode::Real => self.late(),
        };
        let sent = match body {
            Body::New(object) => self.client.create(NAME, object, mode, deadline).await,
            Body::Object(object) => self.client.replace(NAME, object, mode, deadline).await,
            Body::Patch(patch) => self.client.patch_if(NAME, patch, mode, deadline).await,
        };
        sent.map(Live::stored)
    }

    /// Returns the deadline of a request that has started.
    fn late(&self) -> Instant {
        self.deadline.max(Instant::now() + GRACE)
    }

    /// Sends the write and awaits its response, even after an interrupt.
    async fn send_to_the_end<I: Future<Output = ()>>(
        &self,
        body: &Body,
        interrupt: &mut Pin<&mut I>,
    ) -> (Result<Live, Fault>, bool) {
        let mut sent = pin!(self.send(body, Mode::Real));
        select! {
            biased;
            answer = &mut sent => (answer, false),
            () = interrupt.as_mut() => {
                let answer = timeout(GRACE, sent).await;
                let silent = || Fault::TimedOut(self.client.target().server.clone(), GRACE);
                (answer.unwrap_or_else(|_| Err(silent())), true)
            }
        }
    }

    /// Returns the final state of an interrupted write.
    async fn state_after_interrupt(
        &self,
        answer: Result<Live, Fault>,
        before: &Live,
        change: &Change,
    ) -> FinalState {
        match answer {
            Ok(_) => FinalState::Written,
            Err(fault) if !fault.may_be_applied() => FinalState::NotWritten,
            Err(_) => match self.client.read_until(Instant::now() + GRACE).await {
                Ok(live)
                    if live.resource_version() != before.resource_version()
                        && live.holds(change) =>
                {
                    FinalState::Written
                }
                _ => FinalState::Unknown,
            },
        }
    }

    /// Returns how long to wait before planning again, if a retry can help.
    fn retry_wait<E: std::error::Error + 'static>(
        &mut self,
        live: &Live,
        fault: Fault,
    ) -> Result<Duration, WriteError<E>> {
        let target = || Arc::new(self.client.target().clone());
        let verb = if live.exists() { "update" } else { "create" };
        let lost_race = match &fault {
            Fault::Conflict(_) | Fault::AlreadyExists(_) => true,
            // Another client has deleted the object since it was read.
            Fault::NotFound(_) if live.exists() => true,
            Fault::NotFound(_) => return Err(WriteError::NamespaceMissing { target: target() }),
            Fault::Rejected(422, message) if message.contains("field is immutable") => {
                return Err(WriteError::Immutable { target: target() });
            }
            _ if self.refused_patch.is_some() => true,
            fault if fault.is_transient() => false,
            _ => return Err(self.client.failed(verb, fault).into()),
        };
        let wait = self.next_wait(live);
        if lost_race {
            self.is_contended = true;
            let renewed = Instant::now() + self.options.timeout;
            let last = self.started + self.options.conflict_timeout;
            self.deadline = self.deadline.max(renewed.min(last));
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        // Some of the remaining time is reserved for the retry.
        let wait = wait.min(left / 2);
        let wait = wait.max(fault.retry_after().unwrap_or_default());
        if wait < left && left > LAST_CHANCE {
            return Ok(wait);
        }
        if let Some(unconfirmed) = self.unconfirmed.take() {
            return Err(self.unknown(unconfirmed));
        }
        if !lost_race {
            return Err(self.client.failed(verb, fault).into());
        }
        let by = self
            .lost_to
            .iter()
            .max_by_key(|(_, times)| **times)
            .map(|(name, _)| name.clone());
        Err(WriteError::Conflict {
            by,
            attempts: self.attempts,
            timeout: self.options.conflict_timeout.max(self.options.timeout),
            target: target(),
        })
    }

    /// Waits before planning again, and prepares the recorder meanwhile, because what happens between the next read and its write helps
    /// other writers.
    async fn wait_to_retry<E: std::error::Error + 'static, I: Future<Output = ()>>(
        &mut self,
        live: &Live,
        fault: Fault,
        recorder: &mut Option<HistoryRecorder<'_>>,
        interrupt: &mut Pin<&mut I>,
    ) -> Result<(), WriteError<E>> {
        let wait = self.retry_wait(live, fault)?;
        let prepare = async {
            if let Some(recorder) = recorder.as_mut().filter(|_| self.is_contended) {
                recorder.extend(self.deadline);
                recorder.prepare_for_contention().await;
            }
        };
        let waiting = async { join!(sleep(wait), prepare) };
        self.unless(interrupt, waiting).await.map(drop)
    }

    fn next_wait(&mut self, live: &Live) -> Duration {
        let others_wait = self.is_contended && !changes_other_fields(live);
        let backoff = match others_wait {
            true => &mut self.backoff,
            false => &mut self.brief_backoff,
        };
        backoff.next_wait(self.attempt_started.elapsed())
    }

    /// Returns the result of `future`, unless the interrupt comes first.
    async fn unless<T, I: Future<Output = ()>, E: std::error::Error + 'static>(
        &self,
        interrupt: &mut Pin<&mut I>,
        future: impl Future<Output = T>,
    ) -> Result<T, WriteError<E>> {
        let state = match self.unconfirmed {
            Some(_) => FinalState::Unknown,
            None => FinalState::NotWritten,
        };
        select! {
            biased;
            () = interrupt.as_mut() => Err(WriteError::Interrupted { state }),
            outcome = future => Ok(outcome),
        }
    }

    fn unknown<E: std::error::Error + 'static>(
        &self,
        unconfirmed: UnconfirmedWrite,
    ) -> WriteError<E> {
        let verb = if unconfirmed.before.exists() {
            "update"
        } else {
            "create"
        };
        WriteError::Unknown {
            source: self.client.failed(verb, unconfirmed.fault),
        }
    }

    fn written(&self, before: Live, stored: Live) -> Written {
        let outcome = if before.exists() {
            Outcome::Updated
        } else {
            Outcome::Created
        };
        Written {
            outcome,
            before,
            stored,
            attempts: self.attempts,
            copy: None,
        }
    }
}

/// Whether aws-auth was changed just before, if the clocks agree.
fn changed_recently(live: &Live) -> bool {
    let time = live.last_writer().and_then(|writer| writer.time);
    let time = time.and_then(|time| time.parse::<Timestamp>().ok());
    time.is_some_and(|time| Timestamp::now().duration_since(time).unsigned_abs() < BURST)
}

/// Whether the last client that changed aws-auth left its `data` unchanged.
fn changes_other_fields(live: &Live) -> bool {
    live.last_writer()
        .is_some_and(|writer| writer.keys.is_empty())
}
