//! Carries out decisions.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::sleep;
use tracing::{debug, error, info, warn};

use super::{Ended, Looker};
use crate::cache::{Roll, Stored};
use crate::eks_cache::EksState;
use crate::status_writer::aws_auth;
use awsauth_core::error_chain;
use awsauth_core::history::{CONTROLLER, Who};
use awsauth_core::reconcile::{Decision, EventKind, Stage};
use awsauth_core::snapshot::Snapshot;
use awsauth_kube::backoff::Backoff;
use awsauth_kube::history::{CopyLocation, RecordOptions};
use awsauth_kube::review;
use awsauth_kube::write::{Outcome, WriteError, WriteOptions};

/// How often a write is planned again because of conflicts, before it waits.
const RACES: u32 = 10;
/// How long it may take to learn who this is.
const INTRODUCTION: Duration = Duration::from_secs(3);

/// Why a write was canceled before it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum Stopped {
    /// Another client changed aws-auth, so the decision must be made again.
    #[error("another client has changed aws-auth meanwhile")]
    Overtaken,
    /// Another replica is the leader.
    #[error("this replica does not hold the lease any more")]
    NotLeader,
}

impl Looker {
    /// Writes what is decided on what is stored by then; `holds` is decided already, on this. Says what that was, and what is stored now.
    pub(super) async fn write(
        &mut self,
        roll: &Roll,
        told: &EksState,
        mut holds: Option<(Stored, Decision)>,
    ) -> Result<(Stored, Decision), Ended> {
        let mut backoff = Backoff::for_conflicts();
        for _ in 0..RACES {
            let timeout = self.running.settings.timeout;
            let live = match self.running.store.read(timeout).await {
                Ok(live) => live,
                Err(error) => {
                    self.failed(error_chain::text(&error), Some(error.hint()))
                        .await;
                    return Err(Ended::Failed);
                }
            };
            self.cache.put_aws_auth(&live);
            self.introduce_oneself().await;
            let options = WriteOptions {
                timeout,
                record: Some(self.keeping()),
                ..WriteOptions::default()
            };
            let before = Stored::of(&live);
            let known = holds.take().filter(|(on, _)| *on == before);
            let mut decided = known.map(|(_, decision)| decision);
            let plan = |snapshot: &Snapshot| {
                if !*self.leads.borrow() {
                    return Err(Stopped::NotLeader);
                }
                if *snapshot != before.snapshot {
                    return Err(Stopped::Overtaken);
                }
                let decision =
                    decided.get_or_insert_with(|| self.decide(Stage::Writing, &before, roll, told));
                Ok(decision.plan.as_ref().map(|plan| plan.change.clone()))
            };
            let store = Arc::clone(&self.running.store);
            let stop = self.running.stop.clone();
            let written =
                awsauth_kube::write(&store, Some(live), plan, &options, stop.asked()).await;
            match written {
                Ok(written) => {
                    let stored = Stored::of(&written.stored);
                    self.cache.put_aws_auth(&written.stored);
                    self.wrote(written.outcome, written.copy.as_ref(), &before)
                        .await;
                    let Some(decision) = decided else {
                        return Err(Ended::Failed);
                    };
                    return Ok((stored, decision));
                }
                Err(WriteError::Plan(Stopped::Overtaken)) => {
                    self.running.metrics.write_conflicts.inc();
                    sleep(backoff.next_wait()).await;
                }
                Err(WriteError::Plan(Stopped::NotLeader)) => {
                    info!("{}", Stopped::NotLeader);
                    return Err(Ended::NotLeader);
                }
                Err(error) => {
                    let hint = error.hint();
                    self.failed(error_chain::text(&error), hint).await;
                    return Err(Ended::Failed);
                }
            }
        }
        self.failed(error_chain::text(&Stopped::Overtaken), None)
            .await;
        Err(Ended::Failed)
    }

    async fn wrote(&mut self, outcome: Outcome, kept: Option<&CopyLocation>, before: &Stored) {
        let result = match outcome {
            Outcome::Unchanged => return,
            Outcome::Created => "created",
            Outcome::Updated => "updated",
        };
        self.running.metrics.wrote(result);
        let revision = match kept {
            Some(CopyLocation::InCluster(number)) => Some(*number),
            Some(CopyLocation::InFolder { .. } | CopyLocation::Nowhere(_)) | None => None,
        };
        let planned_on = before.snapshot.resource_version.as_deref();
        info!(result, revision, planned_on, "wrote aws-auth");
        if let Some(CopyLocation::Nowhere(why)) = kept {
            warn!(error = %why, "no copy of the previous aws-auth could be stored");
        }
        if self.failing.take().is_some() {
            self.running
                .health
                .remarks("writes", "the last one succeeded");
        }
    }

    /// Logs a failed write, once for each reason.
    async fn failed(&mut self, why: String, hint: Option<String>) {
        self.running.metrics.wrote("failed");
        self.running.health.remarks("writes", why.clone());
        if self.failing.as_ref() == Some(&why) {
            debug!(error = why, "cannot write aws-auth");
            return;
        }
        error!(
            error = why,
            hint, "cannot write aws-auth, which is tried again"
        );
        self.recorder
            .event(aws_auth(), EventKind::Warning, "WriteFailed", &why)
            .await;
        self.failing = Some(why);
    }

    /// Asks the API server for the controller's username, for the history.
    async fn introduce_oneself(&mut self) {
        if self.who.is_none() {
            let who = review::current_user(&self.running.store, INTRODUCTION).await;
            self.who = who.ok().map(|who| Who {
                arn: who.attribute("arn").map(str::to_owned),
                username: Some(who.username),
            });
        }
    }

    fn keeping(&self) -> RecordOptions {
        RecordOptions {
            command: CONTROLLER.map(str::to_owned).into(),
            reason: Some("AwsAuthMapping objects".to_owned()),
            who: self.who.clone(),
            folder: None,
            // What objects ask for can be made again, and a node entry must not wait for the history.
            optional: true,
        }
    }
}
