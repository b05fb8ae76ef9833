//! Records changes to access entries in the cluster's history.

use std::collections::HashSet;
use std::sync::Arc;

use super::cluster::{print_copy, until_interrupted};
use super::state_dir::state_folder;
use super::{Backend, HistoryOptions};
use crate::terminal::{Failure, Out, Refusal};
use awsauth_core::access_entries::{EntryChange, Operation, changes_by};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::history::{
    Contents, EntryWrite, Revision, RevisionState, Who, is_reason_of_rescue, revision_states,
};
use awsauth_kube::history::{self, CopyLocation, PendingWrite, PendingWrites};

impl Backend {
    /// Stores the changes together with the previous entries, so that they can be undone.
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
        print_entries_copy(copy, backup.reason.as_deref(), out);
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
        print_mode_copy(copy, out);
        Ok(())
    }

    /// Returns the writes that users of this machine made before they could sign in.
    ///
    /// # Errors
    /// If the user interrupts.
    pub(crate) fn pending_writes(&self, out: &mut Out) -> Result<PendingWrites, Failure> {
        let Self::Cluster(cluster) = self else {
            return Ok(PendingWrites::default());
        };
        let root = state_folder();
        let reading = PendingWrites::read(cluster.client(), root.as_deref());
        until_interrupted(cluster.runtime(), out, "Reading the history", reading)
    }

    /// Records a write on this machine before it is made, because the user cannot sign in yet. `arn` is the user's ARN.
    pub(crate) fn add_pending(
        pending: &mut PendingWrites,
        write: EntryWrite,
        arn: &str,
        backup: &HistoryOptions,
        out: &mut Out,
    ) {
        let who = Who {
            arn: Some(arn.to_owned()),
            ..Who::default()
        };
        if let Err(error) = pending.add(&backup.record_options(Some(who)), write) {
            out.note(&format!(
                "warning: if this run is killed, the history will lack this change: {error}"
            ));
        }
    }

    /// Returns the access configuration, with the contents of the entries that these writes changed.
    pub(super) fn access_configuration_of_writes(
        &self,
        writes: &[&EntryWrite],
        out: &mut Out,
    ) -> Option<Arc<AccessEntries>> {
        let principals = writes.iter().flat_map(|write| write.principals());
        let principals: HashSet<&str> = principals.collect();
        self.access_configuration_of(&|arn| principals.contains(arn), out)
    }

    /// Discards the records of writes that were not made, according to EKS. An update in progress may still change the mode.
    pub(crate) fn remove_void(&self, pending: &mut PendingWrites, out: &mut Out) {
        let writes = std::mem::take(&mut pending.writes);
        let entries: Vec<_> = writes.iter().filter_map(PendingWrite::write).collect();
        let live = match writes.is_empty() {
            true => None,
            false => self.access_configuration_of_writes(&entries, out),
        };
        let is_updating = self.eks().is_some_and(|eks| eks.facts.is_updating);
        for write in writes {
            if is_updating && write.revision.mode_change().is_some() {
                pending.writes.push(write);
                continue;
            }
            let state = revision_states(&[&write.revision], &Contents::default(), live.as_deref());
            match state.first() {
                Some(RevisionState::Void) => write.remove(),
                _ => pending.writes.push(write),
            }
        }
    }

    /// Moves writes to the history of the cluster.
    ///
    /// # Errors
    /// If aws-auth cannot be read, or the user interrupts.
    pub(crate) fn record_pending(
        &mut self,
        pending: &mut PendingWrites,
        out: &mut Out,
    ) -> Result<(), Failure> {
        for write in std::mem::take(&mut pending.writes) {
            let revision = write.revision.clone();
            let is_mode = revision.mode_change().is_some();
            let reason = revision.reason.clone();
            let copy = self.record_revision(revision, &HistoryOptions::best_effort(), out)?;
            if !matches!(copy, Some(CopyLocation::Nowhere(_))) {
                write.remove();
            }
            match is_mode {
                true => print_mode_copy(copy, out),
                false => print_entries_copy(copy, reason.as_deref(), out),
            }
        }
        Ok(())
    }

    fn record(
        &mut self,
        write: EntryWrite,
        backup: &HistoryOptions,
        out: &mut Out,
    ) -> Result<Option<CopyLocation>, Failure> {
        let revision = history::revision_of_entries(&backup.record_options(None), write);
        self.record_revision(revision, backup, out)
    }

    fn record_revision(
        &mut self,
        revision: Revision,
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
            revision,
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

fn print_entries_copy(copy: Option<CopyLocation>, reason: Option<&str>, out: &mut Out) {
    match copy {
        // Without a revision, `undo` does not remove the access of a rescue.
        Some(CopyLocation::InCluster(number)) if is_reason_of_rescue(reason) => {
            out.note(&format!(
                "Stored the previous access entries as revision {number}; to undo this change: awsauth undo {number}"
            ));
        }
        Some(copy) => print_copy(&copy, "access entries", false, out),
        None => {}
    }
}

fn print_mode_copy(copy: Option<CopyLocation>, out: &mut Out) {
    match copy {
        None | Some(CopyLocation::InCluster(_)) => {}
        Some(CopyLocation::InFolder { why, .. }) => out.note(&format!(
            "warning: the change of the mode is recorded only on this machine: {why}"
        )),
        Some(CopyLocation::Nowhere(why)) => out.note(&format!(
            "warning: the change of the mode is not recorded in the history: {why}"
        )),
    }
}
