//! A write, step by step: read → plan → dry run → keep what is there → PUT with the resourceVersion read → read the answer.

mod error;
mod terms;

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use tokio::{join, select};

use super::NAME;
use super::api_client::{Mode, Store};
use super::backoff::Backoff;
use super::history::Keeper;
use super::live::Live;
use super::managers::last_writer;
use super::request_error::Fault;
use awsauth_core::snapshot::{Change, Snapshot};

pub use error::{Fate, WriteError};
pub use terms::{Outcome, WriteOptions, Written};

/// The bytes that the API server lets the values of a ConfigMap have.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/>
pub const MAX_SIZE: usize = 1 << 20;

/// Beyond the time allowed, a write that is under way gets this long to be answered.
const GRACE: Duration = Duration::from_secs(5);
/// With less time left than this, it is not tried again.
const LAST_CHANCE: Duration = Duration::from_millis(40);

/// Writes what `plan` makes of the stored aws-auth. `plan` is called again with what is stored then whenever somebody
/// else has changed it in between; it answers `None` when nothing is to be done, and nothing is sent then.
///
/// `first` is what was read already, if anything. Without conflict, this takes two requests, one more without `first`, and
/// one more to keep the text before.
/// When `interrupt` completes, a request that may change the object is awaited to its answer, and the error says
/// what became of it.
///
/// # Errors
/// When the plan, the object or the API server refuses, or no attempt succeeds within the time allowed.
pub async fn write<E: std::error::Error + 'static>(
    store: &Store,
    first: Option<Live>,
    plan: impl FnMut(&Snapshot) -> Result<Option<Change>, E>,
    options: &WriteOptions,
    interrupt: impl Future<Output = ()>,
) -> Result<Written, WriteError<E>> {
    let run = Run {
        store,
        options,
        deadline: Instant::now() + options.timeout,
        backoff: Backoff::for_conflicts(),
        doubt: None,
        lost_to: BTreeMap::new(),
        attempts: 0,
    };
    let keeping = options.keep.as_ref().filter(|_| !options.dry_run);
    let mut keeper = keeping.map(|keeping| Keeper::new(store, keeping, options.timeout));
    let ended = run
        .carry_out(first, plan, &mut keeper, pin!(interrupt))
        .await;
    let Some(keeper) = keeper else { return ended };
    match ended {
        Ok(written) if written.outcome != Outcome::Unchanged => {
            let kept = keeper.settled().await;
            Ok(Written { kept, ..written })
        }
        Err(error) if error.may_be_written() => Err(error),
        ended => {
            keeper.withdraw().await;
            ended
        }
    }
}

/// A write that was sent and not answered.
struct Doubt {
    change: Change,
    before: Live,
    fault: Fault,
}

struct Run<'a> {
    store: &'a Store,
    options: &'a WriteOptions,
    deadline: Instant,
    backoff: Backoff,
    doubt: Option<Doubt>,
    /// Who was seen to have changed the object between two attempts, and how often.
    lost_to: BTreeMap<String, u32>,
    attempts: u32,
}

impl Run<'_> {
    async fn carry_out<E: std::error::Error + 'static, I: Future<Output = ()>>(
        mut self,
        mut first: Option<Live>,
        mut plan: impl FnMut(&Snapshot) -> Result<Option<Change>, E>,
        keeper: &mut Option<Keeper<'_>>,
        mut interrupt: Pin<&mut I>,
    ) -> Result<Written, WriteError<E>> {
        loop {
            let live = match first.take() {
                Some(live) => live,
                None => self.unless(&mut interrupt, self.read()).await??,
            };
            if let Some(doubt) = self.doubt.take() {
                let changed = live.resource_version() != doubt.before.resource_version();
                if changed && live.holds(&doubt.change) {
                    return Ok(self.written(doubt.before, live));
                }
                if Instant::now() >= self.deadline {
                    return Err(self.unknown(doubt));
                }
                self.doubt = Some(doubt);
            }
            if let Some(writer) = last_writer(&live.managers()).filter(|_| self.attempts > 0) {
                *self.lost_to.entry(writer.name.clone()).or_default() += 1;
            }
            let planned = plan(&live.snapshot()).map_err(WriteError::Plan)?;
            let Some(change) = planned.filter(|change| !change.is_empty()) else {
                // The unanswered write took, and somebody has written since.
                return Ok(match self.doubt.take() {
                    Some(doubt) => self.written(doubt.before, live),
                    None => Written {
                        outcome: Outcome::Unchanged,
                        before: live.clone(),
                        stored: live,
                        attempts: self.attempts,
                        kept: None,
                    },
                });
            };
            let object = self.admit(&live, &change)?;
            self.attempts += 1;
            let trial = async {
                let beside = async {
                    if let Some(keeper) = keeper.as_mut() {
                        keeper.prepare(self.attempts).await;
                    }
                };
                join!(self.send(&live, &object, Mode::DryRun), beside).0
            };
            let tried = self.unless(&mut interrupt, trial).await?;
            let tried = tried.map(Live::stored);
            if let (true, Ok(_)) = (self.options.dry_run, &tried) {
                return Ok(self.written(live, tried.unwrap_or_default()));
            }
            let next = match tried {
                Ok(next) => next,
                Err(fault) => {
                    let wait = self.retry_wait(&live, fault)?;
                    self.unless(&mut interrupt, sleep(wait)).await?;
                    continue;
                }
            };
            if let Some(keeper) = keeper.as_mut() {
                let keep = keeper.keep(&live, &next);
                let kept = self.unless(&mut interrupt, keep).await?;
                kept.map_err(|source| WriteError::NoCopy { source })?;
            }
            let (answer, interrupted) = self.send_to_the_end(&live, &object, &mut interrupt).await;
            if interrupted {
                return Err(WriteError::Interrupted {
                    fate: self.fate(answer, &live, &change).await,
                });
            }
            match answer {
                Ok(stored) => return Ok(self.written(live, Live::stored(stored))),
                Err(fault) if fault.is_unclear() => {
                    if let Some(keeper) = keeper.as_mut() {
                        keeper.doubt();
                    }
                    let wait = self
                        .backoff
                        .next_wait()
                        .max(fault.retry_after().unwrap_or_default());
                    self.doubt = Some(Doubt {
                        change,
                        before: live,
                        fault,
                    });
                    let left = self.deadline.saturating_duration_since(Instant::now());
                    self.unless(&mut interrupt, sleep(wait.min(left))).await?;
                }
                Err(fault) => {
                    let wait = self.retry_wait(&live, fault)?;
                    self.unless(&mut interrupt, sleep(wait)).await?;
                }
            }
        }
    }

    /// Reads again; while there is doubt, beyond the time allowed if need be.
    async fn read<E: std::error::Error + 'static>(&self) -> Result<Live, WriteError<E>> {
        match &self.doubt {
            // What is read after a lost race is read to the end: cut short, the server would seem to be at fault.
            None if self.attempts == 0 => Ok(self.store.read_until(self.deadline).await?),
            None => Ok(self.store.read_until(self.late()).await?),
            Some(_) => {
                let deadline = self.late();
                self.store
                    .read_until(deadline)
                    .await
                    .map_err(|source| WriteError::Unknown { source })
            }
        }
    }

    /// The object to send, as JSON, if this object may be changed so.
    fn admit<E: std::error::Error + 'static>(
        &self,
        live: &Live,
        change: &Change,
    ) -> Result<Bytes, WriteError<E>> {
        let target = || Arc::new(self.store.target().clone());
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
        if size > MAX_SIZE && size > live.size() {
            return Err(WriteError::TooLarge { size });
        }
        Ok(next.to_json().into())
    }

    async fn send(&self, live: &Live, object: &Bytes, mode: Mode) -> Result<Value, Fault> {
        let deadline = match mode {
            Mode::DryRun if self.attempts == 1 => self.deadline,
            Mode::DryRun => self.late(),
            // Cut short, it would leave in doubt what became of it.
            Mode::Real => self.late(),
        };
        match live.exists() {
            true => self.store.replace(NAME, object, mode, deadline).await,
            false => self.store.create(NAME, object, mode, deadline).await,
        }
    }

    /// Until when something that was begun may take.
    fn late(&self) -> Instant {
        self.deadline.max(Instant::now() + GRACE)
    }

    /// Sends the write and awaits its answer, interrupted or not.
    async fn send_to_the_end<I: Future<Output = ()>>(
        &self,
        live: &Live,
        object: &Bytes,
        interrupt: &mut Pin<&mut I>,
    ) -> (Result<Value, Fault>, bool) {
        let mut sent = pin!(self.send(live, object, Mode::Real));
        select! {
            biased;
            answer = &mut sent => (answer, false),
            () = interrupt.as_mut() => {
                let answer = timeout(GRACE, sent).await;
                let silent = || Fault::TimedOut(self.store.target().server.clone(), GRACE);
                (answer.unwrap_or_else(|_| Err(silent())), true)
            }
        }
    }

    /// What became of a write that was interrupted.
    async fn fate(&self, answer: Result<Value, Fault>, before: &Live, change: &Change) -> Fate {
        match answer {
            Ok(_) => Fate::Written,
            Err(fault) if !fault.is_unclear() => Fate::NotWritten,
            Err(_) => match self.store.read_until(Instant::now() + GRACE).await {
                Ok(live)
                    if live.resource_version() != before.resource_version()
                        && live.holds(change) =>
                {
                    Fate::Written
                }
                _ => Fate::Unknown,
            },
        }
    }

    /// How long to wait before planning anew, if that may help.
    fn retry_wait<E: std::error::Error + 'static>(
        &mut self,
        live: &Live,
        fault: Fault,
    ) -> Result<Duration, WriteError<E>> {
        let target = || Arc::new(self.store.target().clone());
        let verb = if live.exists() { "update" } else { "create" };
        let lost_race = match &fault {
            Fault::Conflict(_) | Fault::AlreadyExists(_) => true,
            // Somebody has deleted the object since it was read.
            Fault::NotFound(_) if live.exists() => true,
            Fault::NotFound(_) => return Err(WriteError::NamespaceMissing { target: target() }),
            Fault::Rejected(422, said) if said.contains("field is immutable") => {
                return Err(WriteError::Immutable { target: target() });
            }
            fault if fault.may_pass() => false,
            _ => return Err(self.store.failed(verb, fault).into()),
        };
        let left = self.deadline.saturating_duration_since(Instant::now());
        // However little time is left, some of it is for trying again.
        let wait = self.backoff.next_wait().min(left / 2);
        let wait = wait.max(fault.retry_after().unwrap_or_default());
        if wait < left && left > LAST_CHANCE {
            return Ok(wait);
        }
        if let Some(doubt) = self.doubt.take() {
            return Err(self.unknown(doubt));
        }
        if !lost_race {
            return Err(self.store.failed(verb, fault).into());
        }
        let by = self
            .lost_to
            .iter()
            .max_by_key(|(_, times)| **times)
            .map(|(name, _)| name.clone());
        Err(WriteError::Conflict {
            by,
            attempts: self.attempts,
            timeout: self.options.timeout,
            target: target(),
        })
    }

    /// The outcome of `future`, unless the interrupt comes first.
    async fn unless<T, I: Future<Output = ()>, E: std::error::Error + 'static>(
        &self,
        interrupt: &mut Pin<&mut I>,
        future: impl Future<Output = T>,
    ) -> Result<T, WriteError<E>> {
        let fate = match self.doubt {
            Some(_) => Fate::Unknown,
            None => Fate::NotWritten,
        };
        select! {
            biased;
            outcome = future => Ok(outcome),
            () = interrupt.as_mut() => Err(WriteError::Interrupted { fate }),
        }
    }

    fn unknown<E: std::error::Error + 'static>(&self, doubt: Doubt) -> WriteError<E> {
        let verb = if doubt.before.exists() {
            "update"
        } else {
            "create"
        };
        WriteError::Unknown {
            source: self.store.failed(verb, doubt.fault),
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
            kept: None,
        }
    }
}
