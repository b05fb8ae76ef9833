//! Records changes to access entries in the cluster's history.

use std::sync::Arc;

use super::cluster::{print_copy, until_interrupted};
use super::{Backend, HistoryOptions};
use crate::terminal::{Failure, Out, Refusal};
use awsauth_core::access_entries::{EntryChange, Operation, changes_by};
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::history::{EntryWrite, RESCUE};
use awsauth_kube::history::{self, CopyLocation};

impl Backend {
    /// Stores the changes with the entries before them, so that they can be undone.
    ///
    /// # Errors
    /// If no copy can be stored and the user did not allow that, or the user interrupts.
    pub(crate) fn record_entries(
        &mut self,
        changes: &[EntryChange],
        backup: &HistoryOptions,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let mode = self.eks().and_then(|eks| eks.facts.authentication_mode);
        let mode = mode.unwrap_or(AuthenticationMode::ApiAndConfigMap);
        let write = EntryWrite::of_changes(mode, changes.to_vec());
        let copy = self.record(write, backup, out)?;
        match copy {
            // Without a revision, `undo` leaves the access of a rescue.
            Some(CopyLocation::InCluster(number)) if backup.reason.as_deref() == Some(RESCUE) => {
                out.note(&format!(
                    "Stored the previous access entries as revision {number}; to undo this change: awsauth undo {number}"
                ));
            }
            Some(copy) => print_copy(&copy, "access entries", false, out),
            None => {}
        }
        Ok(())
    }

    /// Records operations before they are carried out, so that they can be undone.
    ///
    /// # Errors
    /// Those of [`Self::record_entries`].
    pub(crate) fn record_operations(
        &mut self,
        operations: &[Operation],
        entries: &[AccessEntry],
        backup: &HistoryOptions,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let changes = changes_by(operations, entries);
        match changes.is_empty() {
            true => Ok(()),
            false => self.record_entries(&changes, backup, out),
        }
    }

    /// Records that the authentication mode was changed, which cannot be undone.
    ///
    /// # Errors
    /// Those of [`Self::record_entries`].
    pub(crate) fn record_mode(
        &mut self,
        from: AuthenticationMode,
        to: AuthenticationMode,
        backup: &HistoryOptions,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let write = EntryWrite::of_mode(from, to);
        let copy = self.record(write, backup, out)?;
        match copy {
            None | Some(CopyLocation::InCluster(_)) => {}
            Some(CopyLocation::InFolder { why, .. }) => out.note(&format!(
                "warning: the change of the mode is recorded only on this machine: {why}"
            )),
            Some(CopyLocation::Nowhere(why)) => out.note(&format!(
                "warning: the change of the mode is not recorded in the history: {why}"
            )),
        }
        Ok(())
    }

    fn record(
        &mut self,
        write: EntryWrite,
        backup: &HistoryOptions,
        out: &mut Out,
    ) -> Result<Option<CopyLocation>, Failure> {
        let Self::Cluster(cluster) = self else {
            return Ok(None);
        };
        let (live, who) = match cluster.take_begun() {
            Some((live, who)) => (live, who),
            None => (cluster.read(out)?, None),
        };
        let options = backup.record_options(who.clone());
        let recording = history::record_entries(
            cluster.client(),
            &options,
            cluster.options().timeout(),
            &live,
            write,
        );
        let recorded =
            until_interrupted(cluster.runtime(), out, "Recording the change", recording)?;
        let copy = recorded.map_err(|no_copy: Arc<history::NoCopy>| {
            let refusal = Refusal {
                guard: "WG16",
                reason: "backup-failed",
            };
            Failure::refused(
                refusal,
                format!("cannot change access entries of {}", cluster.target()),
            )
            .because(&*no_copy)
            .hint("to change them anyway, add --no-backup")
            .unless("--no-backup")
        })?;
        // The write to aws-auth may follow.
        cluster.begin(live, who);
        Ok(copy)
    }
}
