//! Records changes to access entries in the cluster's history.

use std::sync::Arc;

use super::cluster::{print_copy, until_interrupted};
use super::{Backend, HistoryOptions};
use crate::terminal::{Failure, Out, Refusal};
use awsauth_core::access_entries::EntryChange;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_kube::history;

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
        let Self::Cluster(cluster) = self else {
            return Ok(());
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
            mode.unwrap_or(AuthenticationMode::ApiAndConfigMap),
            changes.to_vec(),
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
        if let Some(copy) = copy {
            print_copy(&copy, "access entries", out);
        }
        Ok(())
    }
}
