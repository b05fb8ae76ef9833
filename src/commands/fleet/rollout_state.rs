//! The progress of a rollout, on disk, so that a second run can continue it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backend::{bounded_read, replace_private, state_folder};
use crate::terminal::Failure;

/// The clusters that a rollout has reached.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RolloutState {
    #[serde(skip)]
    path: PathBuf,
    /// By the key of the cluster.
    clusters: BTreeMap<String, Progress>,
}

/// The progress of a rollout on one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Progress {
    /// The rollout may have written to the cluster.
    Started,
    /// The write was verified.
    Done,
    Failed,
}

impl RolloutState {
    /// Starts a rollout. `id` identifies what it applies.
    pub(super) fn start(id: &str) -> Result<Self, Failure> {
        Ok(Self {
            path: path(id)?,
            clusters: BTreeMap::new(),
        })
    }

    /// Reads the state of the rollout with this ID.
    ///
    /// # Errors
    /// If there is none, or the file cannot be read.
    pub(super) fn resume(id: &str) -> Result<Self, Failure> {
        let path = path(id)?;
        let failed = || {
            Failure::usage(format!(
                "cannot resume: the state {} cannot be read",
                path.display()
            ))
            .hint("leave out --resume: clusters that are done stay unchanged")
        };
        let bytes = match bounded_read::file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::usage(
                    "there is nothing to resume: no rollout of this desired state with these options was stopped",
                )
                .hint("leave out --resume"));
            }
            read => read.map_err(|error| failed().because(&error))?,
        };
        let state: Self =
            serde_json::from_slice(&bytes).map_err(|error| failed().because(&error))?;
        Ok(Self { path, ..state })
    }

    pub(super) fn of(&self, key: &str) -> Option<Progress> {
        self.clusters.get(key).copied()
    }

    /// Records the progress of the rollout on these clusters.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn record(
        &mut self,
        progress: impl IntoIterator<Item = (String, Progress)>,
    ) -> Result<(), Failure> {
        self.clusters.extend(progress);
        let text = serde_json::to_vec_pretty(self).map_err(|error| Failure::bug(&error))?;
        replace_private(&self.path, &text).map_err(|error| {
            Failure::usage(format!(
                "cannot write the state of the rollout to {}",
                self.path.display()
            ))
            .because(&error)
        })
    }

    /// Removes the file, after everything is done.
    pub(super) fn remove(self) -> Result<(), Failure> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::usage(format!(
                "cannot remove the state of the rollout: {}",
                self.path.display()
            ))
            .because(&error)),
            _ => Ok(()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn path(id: &str) -> Result<PathBuf, Failure> {
    let folder = state_folder().ok_or_else(|| {
        Failure::usage("there is no folder for the state of the rollout")
            .hint("set HOME or XDG_STATE_HOME")
    })?;
    Ok(folder.join("fleet").join(format!("{id}.json")))
}
