//! Writes aws-auth as decided, and decides again after a conflict.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tracing::{debug, error, info, warn};

use super::{ReconcileResult, Reconciler};
use crate::cache::{ObjectList, StoredAwsAuth};
use crate::eks_state::EksState;
use crate::object_writer::aws_auth;
use awsauth_core::error_chain;
use awsauth_core::history::CONTROLLER;
use awsauth_core::reconcile::{Decision, EventKind, Stage};
use awsauth_kube::ErrorKind;
use awsauth_kube::Live;
use awsauth_kube::access_review::{self, ClusterUser};
use awsauth_kube::backoff::WriteBackoff;
use awsauth_kube::history::{CopyLocation, RecordOptions};
use awsauth_kube::write::{Outcome, WriteError, WriteOptions};

/// The timeout of the request for the controller's own identity.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(3);

/// Why a write was canceled before it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum Canceled {
    /// Another client deleted aws-auth.
    #[error("another client deleted aws-auth in the meantime")]
    Deleted,
    /// Another replica is the leader.
    #[error("this replica lost the lease")]
    NotLeader,
}

/// Why aws-auth was not written.
pub(super) enum NotWritten {
    /// The API server refuses the write, so nothing has changed.
    Refused,
    /// For another reason, with the result of the reconciliation.
    Other(ReconcileResult),
}

impl Reconciler {
    /// Writes aws-auth and returns what is stored now and the decision. `valid` is a decision that is still valid for this aws-auth. After
    /// a conflict, decides again.
    ///
    /// If aws-auth existed and is deleted meanwhile, writes nothing: the next reconciliation restores it.
    pub(super) async fn write(
        &mut self,
        list: &ObjectList,
        eks: &EksState,
        existed: bool,
        valid: Option<(StoredAwsAuth, Decision)>,
    ) -> Result<(StoredAwsAuth, Decision), NotWritten> {
        self.find_identity().await;
        let options = self.write_options("AwsAuthMapping objects");
        let mut decided = valid;
        let mut is_retry = false;
        let plan = |live: &Live| {
            if !*self.is_leader.borrow() {
                return Err(Canceled::NotLeader);
            }
            if existed && !live.exists() {
                return Err(Canceled::Deleted);
            }
            let before = self.cache.put_aws_auth(live);
            let (_, decision) = match decided.take() {
                Some(valid) if valid.0 == before => decided.insert(valid),
                _ => {
                    if is_retry {
                        self.context.metrics.write_conflicts.inc();
                    }
                    let decision = self.decide(Stage::Writing, &before, list, eks);
                    decided.insert((before, decision))
                }
            };
            is_retry = true;
            Ok(decision.plan.as_ref().map(|plan| plan.change.clone()))
        };
        let client = Arc::clone(&self.context.client);
        let interrupt = self.write_interrupt();
        let written = awsauth_kube::write(&client, None, plan, &options, interrupt).await;
        match (written, decided) {
            (Ok(written), Some((before, decision))) => {
                let stored = self.cache.put_aws_auth(&written.stored);
                self.external_writes.wrote(&stored);
                self.written(written.outcome, written.copy.as_ref(), &before);
                Ok((stored, decision))
            }
            // Every write is decided.
            (Ok(_), None) => Err(NotWritten::Other(ReconcileResult::Failed)),
            // Waits for the watch: it also reports the last change before the deletion, which must be restored, too.
            (Err(WriteError::Plan(Canceled::Deleted)), _) => {
                Err(NotWritten::Other(ReconcileResult::Unfinished))
            }
            (Err(WriteError::Plan(Canceled::NotLeader)), _) => {
                info!("{}", Canceled::NotLeader);
                Err(NotWritten::Other(ReconcileResult::NotLeader))
            }
            (Err(error), _) if !error.may_be_written() && self.must_not_write() => {
                info!("{error}");
                Err(NotWritten::Other(ReconcileResult::NotLeader))
            }
            (Err(error), _) => {
                let hint = error.hint();
                self.failed(error_chain::text(&error), hint).await;
                Err(match error.kind() {
                    Some(ErrorKind::Refused | ErrorKind::Denied) => NotWritten::Refused,
                    _ => NotWritten::Other(ReconcileResult::Failed),
                })
            }
        }
    }

    pub(super) fn written(
        &mut self,
        outcome: Outcome,
        copy: Option<&CopyLocation>,
        before: &StoredAwsAuth,
    ) {
        let result = match outcome {
            Outcome::Unchanged => return,
            Outcome::Created => "created",
            Outcome::Updated => "updated",
        };
        self.context.metrics.wrote(result);
        let revision = match copy {
            Some(CopyLocation::InCluster(number)) => Some(*number),
            Some(CopyLocation::InFolder { .. } | CopyLocation::Nowhere(_)) | None => None,
        };
        let planned_on = before.snapshot.resource_version.as_deref();
        info!(result, revision, planned_on, "wrote aws-auth");
        if let Some(CopyLocation::Nowhere(why)) = copy {
            warn!(error = %why, "the previous aws-auth is not in the history");
        }
        if self.write_error.take().is_some() {
            self.context
                .health
                .set_info("writes", "the last one succeeded");
        }
    }

    /// Reports a failed write, each error once in a row.
    pub(super) async fn failed(&mut self, why: String, hint: Option<String>) {
        self.context.metrics.wrote("failed");
        self.context.health.set_info("writes", why.clone());
        if self.write_error.as_ref() == Some(&why) {
            debug!(error = why, "cannot write aws-auth");
            return;
        }
        error!(error = why, hint, "cannot write aws-auth; retrying");
        self.object_writer
            .event(aws_auth(), EventKind::Warning, "WriteFailed", &why)
            .await;
        self.write_error = Some(why);
    }

    /// Asks the API server for the controller's username, for the history.
    pub(super) async fn find_identity(&mut self) {
        if self.identity.is_none() {
            let who = access_review::current_user(&self.context.client, IDENTITY_TIMEOUT).await;
            self.identity = who.ok().map(ClusterUser::who);
        }
    }

    pub(super) fn write_options(&self, reason: &str) -> WriteOptions {
        WriteOptions {
            timeout: self.context.settings.timeout,
            conflict_timeout: self.context.settings.timeout,
            record: Some(self.history_options(reason)),
            backoff: WriteBackoff::for_leader(),
            ..WriteOptions::default()
        }
    }

    pub(super) fn history_options(&self, reason: &str) -> RecordOptions {
        RecordOptions {
            command: CONTROLLER.map(str::to_owned).into(),
            reason: Some(reason.to_owned()),
            undoes: None,
            transaction: None,
            who: self.identity.clone(),
            folder: None,
            // Requested entries can be restored without the history, and node entries must not wait for it.
            optional: true,
        }
    }
}
