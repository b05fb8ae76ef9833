//! Restores aws-auth after a deletion.

use std::sync::Arc;

use thiserror::Error;
use tokio::time::Instant;
use tracing::info;

use super::{ReconcileResult, Reconciler};
use crate::cache::StoredAwsAuth;
use crate::eks_state::EksState;
use crate::flags::OnDeletion;
use crate::object_writer::aws_auth;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::error_chain;
use awsauth_core::history::{
    Contents, Revision, Side, StoredRevision, latest_text, revision_states, stored_revisions,
};
use awsauth_core::plan::{Allowed, Plan, Request, aws_auth_is_ignored};
use awsauth_core::reconcile::EventKind;
use awsauth_kube::history;
use awsauth_kube::write::{WriteError, WriteOptions};

/// The reason in the history.
const REASON: &str = "aws-auth was deleted";

/// Why aws-auth is not restored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum NotRestored {
    #[error("another client has created aws-auth in the meantime")]
    Exists,
    #[error("this replica lost the lease")]
    NotLeader,
    #[error("{0}")]
    Refused(String),
}

impl Reconciler {
    /// Restores the last text of a deleted aws-auth. Returns `None` if there is none, or it is refused: then aws-auth is created with
    /// what objects request.
    pub(super) async fn restore_deleted(&mut self, eks: &EksState) -> Option<ReconcileResult> {
        let mode = eks
            .snapshot
            .access_entries
            .as_ref()
            .map(|entries| entries.mode());
        let is_ignored = aws_auth_is_ignored(eks.facts.mode.or(mode)).is_some();
        if self.context.settings.on_deletion == OnDeletion::Objects || is_ignored {
            return None;
        }
        let (text, source) = match self.cache.last_existing() {
            Some(last) => (Contents::of(&last.snapshot), "the last text that it saw"),
            None => match self.last_recorded().await {
                Ok(text) => (text?, "the last text in the history"),
                Err(why) => {
                    self.failed(why, None).await;
                    return Some(ReconcileResult::Failed);
                }
            },
        };
        if self.must_not_write() {
            return Some(ReconcileResult::NotLeader);
        }
        self.find_identity().await;
        let options = WriteOptions {
            timeout: self.context.settings.timeout,
            record: Some(self.history_options(REASON)),
            ..WriteOptions::default()
        };
        let plan = |snapshot: &Snapshot| {
            if !*self.is_leader.borrow() {
                return Err(NotRestored::NotLeader);
            }
            if snapshot.resource_version.is_some() {
                return Err(NotRestored::Exists);
            }
            planned(snapshot, &text, eks).map(|plan| Some(plan.change))
        };
        let client = Arc::clone(&self.context.client);
        let shutdown = self.context.shutdown.clone();
        let written =
            awsauth_kube::write(&client, None, plan, &options, shutdown.requested()).await;
        let error = match written {
            Ok(written) => {
                let stored = StoredAwsAuth::of(&written.stored);
                self.cache.put_aws_auth(&written.stored);
                self.observer.wrote(&stored);
                self.written(
                    written.outcome,
                    written.copy.as_ref(),
                    &StoredAwsAuth::default(),
                );
                let message = format!(
                    "aws-auth was deleted; the controller restored {source}. To keep it deleted, stop the controller first"
                );
                self.report_deletion("Restored", &message).await;
                return Some(ReconcileResult::Unfinished);
            }
            Err(error) => error,
        };
        match error {
            WriteError::Plan(NotRestored::NotLeader) => Some(ReconcileResult::NotLeader),
            WriteError::Plan(NotRestored::Exists) => {
                info!("{}", NotRestored::Exists);
                Some(ReconcileResult::Unfinished)
            }
            WriteError::Plan(NotRestored::Refused(why)) => {
                let message = format!(
                    "aws-auth was deleted, and the controller does not restore {source}: {why}. It writes only the entries of objects"
                );
                self.report_deletion("RestoreRefused", &message).await;
                None
            }
            error => {
                let hint = error.hint();
                self.failed(error_chain::text(&error), hint).await;
                Some(ReconcileResult::Failed)
            }
        }
    }

    /// Returns the last text in the history; `None` if there is none.
    async fn last_recorded(&self) -> Result<Option<Contents>, String> {
        let deadline = Instant::now() + self.context.settings.timeout;
        let read = history::read(&self.context.client, deadline).await;
        let values = read.map_err(|error| error_chain::text(&error))?;
        let revisions: Vec<Revision> = stored_revisions(&values)
            .into_iter()
            .filter_map(|stored| match stored {
                StoredRevision::Revision(revision) => Some(*revision),
                StoredRevision::Unreadable { .. } => None,
            })
            .collect();
        let all: Vec<&Revision> = revisions.iter().collect();
        let states = revision_states(&all, &Contents::default());
        let all: Vec<_> = all.into_iter().zip(states).collect();
        Ok(latest_text(&all, false).map(|latest| {
            let revision = &revisions[latest.at];
            match latest.side {
                Side::Before => revision.before.existing(),
                Side::After => revision.after.existing(),
            }
        }))
    }

    async fn report_deletion(&self, reason: &'static str, message: &str) {
        self.object_writer
            .event(aws_auth(), EventKind::Warning, reason, message)
            .await;
    }
}

/// Plans to restore the text. Allows what was in it before, as the deletion was the change.
fn planned(snapshot: &Snapshot, text: &Contents, eks: &EksState) -> Result<Plan, NotRestored> {
    let mut request = Request {
        contents: Some(text.clone()),
        allow: Allowed {
            ignored: true,
            ..Allowed::default()
        },
        access_entries: eks.snapshot.access_entries.clone(),
        facts: eks.facts.clone(),
        ..Request::default()
    };
    let plan = |request: &Request| {
        let plan = Plan::new(snapshot, request);
        plan.map_err(|error| NotRestored::Refused(error.to_string()))
    };
    let first = plan(&request)?;
    request.allow.rules = first.findings.iter().map(|finding| finding.rule).collect();
    let plan = plan(&request)?;
    match plan.refusals.first() {
        Some(refusal) => Err(NotRestored::Refused(refusal.message.clone())),
        None => Ok(plan),
    }
}
