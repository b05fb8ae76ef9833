//! Writes to access entries by a user who cannot sign in to the cluster yet: files on this machine until they are moved to the
//! cluster.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{ClusterKey, Folder, RecordOptions, revision_of_entries};
use crate::api_client::ApiClient;
use awsauth_core::history::{EntryWrite, Revision};

/// The writes of this machine that are not in the history of the cluster yet, from the oldest to the newest.
#[derive(Debug, Default)]
pub struct PendingWrites {
    /// `None` if there is no folder for them.
    folder: Option<Folder>,
    pub writes: Vec<PendingWrite>,
}

/// One write of [`PendingWrites`].
#[derive(Debug)]
pub struct PendingWrite {
    pub revision: Revision,
    /// `None` if it could not be stored.
    path: Option<PathBuf>,
}

impl PendingWrites {
    /// Reads the writes for the cluster from `root`, the local folder for copies.
    pub async fn read(client: &ApiClient, root: Option<&Path>) -> Self {
        let Some(root) = root else {
            return Self::default();
        };
        let keys = ClusterKey::all(client).await;
        let keys = keys.iter().filter(|key| key.is_certain());
        let folders: Vec<Folder> = keys.map(|key| Folder::of(root, key)).collect();
        let mut writes: Vec<PendingWrite> = folders
            .iter()
            .flat_map(Folder::pending)
            .filter_map(|file| {
                Some(PendingWrite {
                    revision: file.revision.ok()?,
                    path: Some(file.path),
                })
            })
            .collect();
        writes.sort_by_key(|write| write.revision.when);
        Self {
            folder: folders.into_iter().next(),
            writes,
        }
    }

    /// Stores a write, before it is made.
    ///
    /// # Errors
    /// If the write cannot be stored. Then only this process knows about it.
    pub fn add(&mut self, options: &RecordOptions, write: EntryWrite) -> io::Result<()> {
        let revision = revision_of_entries(options, write);
        let written = match &self.folder {
            Some(folder) => folder.write_pending(&revision).map(Some),
            None => Ok(None),
        };
        let (path, result) = match written {
            Ok(path) => (path, Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.writes.push(PendingWrite { revision, path });
        result
    }
}

impl PendingWrite {
    /// Returns what the write changed.
    pub fn write(&self) -> Option<&EntryWrite> {
        self.revision.entries.as_ref()
    }

    /// Discards the write: it was not made, or it is in the cluster's history.
    pub fn remove(self) {
        if let Some(path) = self.path {
            // If this fails, the write is listed twice.
            let _ = fs::remove_file(path);
        }
    }
}
