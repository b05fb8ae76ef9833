//! Restores aws-auth after a deletion.

use std::sync::Arc;

use thiserror::Error;
use tracing::info;

use super::{ReconcileResult, Reconciler};
use crate::cache::StoredAwsAuth;
use crate::eks_state::EksState;
use crate::flags::OnDeletion;
use crate::object_writer::aws_auth;
use awsauth_core::error_chain;
use awsauth_core::history::Contents;
use awsauth_core::plan::{Plan, Request, aws_auth_is_ignored};
use awsauth_core::reconcile::EventKind;
use awsauth_kube::ErrorKind;
use awsauth_kube::Live;
use awsauth_kube::write::{Outcome, WriteError};

/// The reason in the history.
const REASON: &str = "aws-auth was deleted";

/// Why a restoration was canceled before it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum Canceled {
    #[error("another client has created aws-auth in the meantime")]
    Exists,
    #[error("this replica lost the lease")]
    NotLeader,
    #[error("the last state cannot be planned")]
    NoPlan,
}

impl Reconciler {
    /// Restores the last state of a deleted aws-auth. Returns `None` if it is not known, or refused: then aws-auth is created with what
    /// objects request.
    ///
    /// Restores only what the watch reported with the deletion. The history is no source: everyone who can write it would be an
    /// administrator, and it lacks what other clients changed while no replica ran.
    ///
    /// No guard applies: nothing is removed, and everything was there before the deletion. Admission checks it.
    pub(super) async fn restore_deleted(&mut self, eks: &EksState) -> Option<ReconcileResult> {
        let entries = eks.snapshot.access_entries.as_ref();
        let mode = eks.facts.mode.or(entries.map(|entries| entries.mode()));
        let is_ignored = aws_auth_is_ignored(mode).is_some();
        if self.context.settings.on_deletion == OnDeletion::Objects || is_ignored {
            return None;
        }
        let Some(last) = self.cache.deleted() else {
            if self.cache.last_existing().is_some() {
                let message = "aws-auth was deleted, and the controller did not see its last state. It writes only the entries of objects; to restore all, run: awsauth restore";
                self.report_deletion("RestoreRefused", message).await;
            }
            return None;
        };
        let text = Contents::of(&last.snapshot);
        if self.must_not_write() {
            return Some(ReconcileResult::NotLeader);
        }
        self.find_identity().await;
        let options = self.write_options(REASON);
        let request = Request {
            contents: Some(text),
            ..Request::default()
        };
        let plan = |live: &Live| {
            if !*self.is_leader.borrow() {
                return Err(Canceled::NotLeader);
            }
            if live.exists() {
                return Err(Canceled::Exists);
            }
            let plan = Plan::new(&live.snapshot(), &request).map_err(|_| Canceled::NoPlan)?;
            Ok(Some(plan.change))
        };
        let client = Arc::clone(&self.context.client);
        let interrupt = self.write_interrupt();
        let written = awsauth_kube::write(&client, None, plan, &options, interrupt).await;
        match written {
            // It was empty.
            Ok(written) if written.outcome == Outcome::Unchanged => None,
            Ok(written) => {
                let stored = self.cache.put_aws_auth(&written.stored);
                self.external_writes.wrote(&stored);
                let before = StoredAwsAuth::default();
                self.written(written.outcome, written.copy.as_ref(), &before);
                let message = "aws-auth was deleted; the controller restored its last state. To keep it deleted, stop the controller first";
                self.report_deletion("Restored", message).await;
                Some(ReconcileResult::Unfinished)
            }
            Err(WriteError::Plan(Canceled::NotLeader)) => Some(ReconcileResult::NotLeader),
            Err(WriteError::Plan(why)) => {
                info!("{why}");
                Some(ReconcileResult::Unfinished)
            }
            Err(error) if !error.may_be_written() && self.must_not_write() => {
                info!("{error}");
                Some(ReconcileResult::NotLeader)
            }
            Err(error) => self.not_restored(&error).await,
        }
    }

    /// Reports that aws-auth is not restored. If a retry cannot help, returns `None`.
    async fn not_restored(&mut self, error: &WriteError<Canceled>) -> Option<ReconcileResult> {
        let why = error_chain::text(error);
        if matches!(error.kind(), Some(ErrorKind::Refused | ErrorKind::Denied)) {
            let message = format!(
                "aws-auth was deleted, and the controller cannot restore its last state: {why}. It writes only the entries of objects; to restore all, run: awsauth restore"
            );
            self.report_deletion("RestoreRefused", &message).await;
            return None;
        }
        self.failed(why, error.hint()).await;
        Some(ReconcileResult::Failed)
    }

    async fn report_deletion(&self, reason: &'static str, message: &str) {
        self.object_writer
            .event(aws_auth(), EventKind::Warning, reason, message)
            .await;
    }
}
