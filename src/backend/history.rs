//! The history of aws-auth, from the cluster and this machine.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::Backend;
use super::cluster::Cluster;
use super::state_dir::state_folder;
use crate::terminal::{Failure, Out};
use awsauth_core::authenticator::{AccessEntries, access_diff};
use awsauth_core::document::Document;
use awsauth_core::history::{
    Contents, LatestText, Revision, RevisionState, Side, StoredRevision, latest_text,
    revision_states, stored_revisions,
};
use awsauth_kube::field_managers::FieldManager;
use awsauth_kube::history::Folder;
use awsauth_kube::is_own_manager;

/// The current aws-auth and its earlier revisions.
#[derive(Debug)]
pub(crate) struct History {
    /// The current contents.
    pub(crate) live: Contents,
    /// The field manager of the last write, if it is recorded.
    pub(crate) last_writer: Option<FieldManager>,
    /// The revisions, from the oldest to the newest, including unreadable ones.
    pub(crate) entries: Vec<HistoryEntry>,
}

/// A stored revision.
#[derive(Debug)]
pub(crate) struct HistoryEntry {
    pub(crate) name: Name,
    /// The file; `None` for a revision in the cluster.
    pub(crate) path: Option<PathBuf>,
    /// The revision and what happened after it, or why it cannot be read.
    pub(crate) revision: Result<(Revision, RevisionState), String>,
}

/// The name of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// The resourceVersion of the stored aws-auth or, for a write to access entries, of the history before the write.
    Number(u64),
    /// The key in the cluster, or the file, of an unreadable revision.
    Key(String),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Key(key) => f.write_str(key),
        }
    }
}

/// A revision, or its name and why it cannot be read.
type Readable = Result<Revision, (String, String)>;

impl History {
    /// Finds a revision by name. If several runs stored the same aws-auth, returns the one that wrote.
    pub(crate) fn find(&self, name: &str) -> Option<&HistoryEntry> {
        let named = || {
            self.entries
                .iter()
                .filter(|entry| entry.name.to_string() == name)
        };
        let wrote = |entry: &&HistoryEntry| matches!(&entry.revision, Ok((_, state)) if *state != RevisionState::Void);
        named().find(wrote).or_else(|| named().next())
    }

    /// Returns the newest write of awsauth that is, or was, in effect until another client wrote. Leaves out the creation of the
    /// access entry through which a locked-out user signs in to undo the write that caused the lockout.
    pub(crate) fn newest_write(&self) -> Option<(&Name, &Revision)> {
        let mut newest_first = self.entries.iter().rev();
        newest_first.find_map(|entry| match &entry.revision {
            Ok((revision, state))
                if *state != RevisionState::Void
                    && !revision.is_foreign
                    && !revision.is_access_by_rescue() =>
            {
                Some((&entry.name, revision))
            }
            _ => None,
        })
    }

    /// Returns the newest recorded write to aws-auth if it is not in effect and another client wrote last: that client reverted
    /// the write.
    pub(crate) fn undone_by_other(&self) -> Option<(&Name, &Revision)> {
        let by = self.last_writer.as_ref()?;
        if is_own_manager(&by.name) {
            return None;
        }
        let mut newest_first = self.entries.iter().rev().filter_map(|entry| {
            let (revision, state) = entry.revision.as_ref().ok()?;
            (revision.entries.is_none()).then_some((&entry.name, revision, *state))
        });
        let (name, revision, state) = newest_first.next()?;
        // A run that lost a race for aws-auth has the number of the one that won.
        let is_lost_race = newest_first
            .take_while(|(_, other, _)| other.number == revision.number)
            .any(|(_, _, state)| state != RevisionState::Void);
        let is_undone = state == RevisionState::Void && !revision.is_foreign && !is_lost_race;
        is_undone.then_some((name, revision))
    }

    /// Returns the revisions of the same write, from the oldest to the newest; a write to one store has one.
    pub(crate) fn transaction<'h>(&'h self, revision: &'h Revision) -> Vec<&'h Revision> {
        let Some(transaction) = &revision.transaction else {
            return vec![revision];
        };
        let readable = self.entries.iter().flat_map(|entry| &entry.revision);
        let is_same = |other: &&Revision| other.transaction.as_ref() == Some(transaction);
        readable
            .map(|(revision, _)| revision)
            .filter(is_same)
            .collect()
    }

    /// Returns the aws-auth that a restore without an argument offers, and its revision.
    pub(crate) fn latest_text(&self) -> Option<(&Name, &Revision, Side)> {
        let readable = |entry: &HistoryEntry| {
            let revision = entry.revision.as_ref();
            revision.is_ok_and(|(revision, _)| revision.entries.is_none())
        };
        let readable: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| readable(entry))
            .collect();
        let revisions: Vec<_> = readable
            .iter()
            .filter_map(|entry| entry.revision.as_ref().ok())
            .map(|(revision, state)| (revision, *state))
            .collect();
        let latest = latest_text(&revisions, self.live.exists);
        // If aws-auth was created by the only write, and was deleted afterwards, that write counts as undone.
        let latest = latest.or_else(|| {
            let at = revisions
                .len()
                .checked_sub(1)
                .filter(|_| !self.live.exists)?;
            Some(LatestText {
                at,
                side: Side::After,
            })
        })?;
        Some((
            &readable[latest.at].name,
            revisions[latest.at].0,
            latest.side,
        ))
    }

    /// Returns whether undoing this write would remove all of aws-auth although it had entries before: it created aws-auth after a
    /// deletion, or is the controller's.
    pub(crate) fn is_recreation(&self, revision: &Revision) -> bool {
        let existed = |(earlier, state): &(Revision, RevisionState)| {
            earlier.number < revision.number && *state != RevisionState::Void
        };
        let mut readable = self.entries.iter().flat_map(|entry| &entry.revision);
        revision.is_creation() && (revision.is_by_controller() || readable.any(existed))
    }

    /// Returns whether the controller made one of the writes in effect since this revision.
    pub(crate) fn is_by_controller_since(&self, first: &Revision) -> bool {
        let readable = self.entries.iter().flat_map(|entry| &entry.revision);
        readable
            .filter(|(revision, state)| {
                revision.number >= first.number && *state != RevisionState::Void
            })
            .any(|(revision, _)| revision.is_by_controller())
    }

    /// Returns when each principal of aws-auth last gained access, as far as the history records it, by its name in aws-auth.
    pub(crate) fn grants(&self) -> BTreeMap<String, Timestamp> {
        let mut grants = BTreeMap::new();
        let readable = self.entries.iter().flat_map(|entry| &entry.revision);
        for (revision, state) in readable {
            if *state == RevisionState::Void || revision.entries.is_some() {
                continue;
            }
            let [before, after] =
                [&revision.before, &revision.after].map(|of| Document::read(&of.data));
            let changes = access_diff(&before, &after).into_iter();
            let gained = changes.filter(|one| one.before.is_empty() && !one.after.is_empty());
            grants.extend(gained.map(|one| (one.arn, revision.when)));
        }
        grants
    }

    /// Names the last writer in a message.
    pub(crate) fn last_writer_or_unknown(&self) -> String {
        let by = self.last_writer.as_ref();
        by.map_or_else(|| "another client".to_owned(), FieldManager::to_string)
    }

    /// Whether other clients have changed aws-auth since the newest write.
    pub(crate) fn is_changed_by_others(&self) -> bool {
        let newest = self.newest_write();
        newest.is_some_and(|(_, revision)| revision.after != self.live)
    }
}

impl Backend {
    /// Returns the access entries, with the contents of those in the history; `None` if the history has none or EKS was not
    /// asked.
    fn recorded_entries(
        &self,
        revisions: &[&Revision],
        out: &mut Out,
    ) -> Option<Arc<AccessEntries>> {
        let writes: Vec<_> = revisions
            .iter()
            .filter_map(|revision| revision.entries.as_ref())
            .collect();
        if writes.is_empty() {
            return None;
        }
        self.access_configuration_of_writes(&writes, out)
    }

    /// Reads aws-auth and its history.
    ///
    /// # Errors
    /// If the backend is a manifest, or aws-auth cannot be read. If the cluster's history cannot be read, prints a warning and
    /// returns only the revisions on this machine.
    pub(crate) fn history(&self, out: &mut Out) -> Result<History, Failure> {
        self.must_be_cluster()?;
        let Self::Cluster(cluster) = self else {
            return Err(Failure::usage("there is no cluster"));
        };
        let (live, stored) = cluster.read_history(out)?;
        let mut read: Vec<(Option<PathBuf>, Readable)> = Vec::new();
        match stored {
            Ok(values) => read.extend(stored_revisions(&values).into_iter().map(
                |slot| match slot {
                    StoredRevision::Revision(revision) => (None, Ok(*revision)),
                    StoredRevision::Unreadable { key, why } => (None, Err((key, why.to_string()))),
                },
            )),
            Err(error) => out.note(&format!(
                "warning: cannot read the cluster's history: {error}"
            )),
        }
        let folders = match state_folder().filter(|root| Folder::exists_in(root)) {
            Some(root) => folders(cluster, &root, out)?,
            None => Vec::new(),
        };
        for file in folders.iter().flat_map(Folder::revisions) {
            let is_same = |of: &Revision| file.revision.as_ref() == Ok(of);
            if read
                .iter()
                .any(|(_, read)| read.as_ref().is_ok_and(is_same))
            {
                // A run moved it to the cluster, but could not delete the file.
                continue;
            }
            let name = file.path.display().to_string();
            read.push((Some(file.path), file.revision.map_err(|why| (name, why))));
        }
        read.sort_by_key(|(_, revision)| revision.as_ref().ok().map(Revision::order));
        for file in folders.iter().flat_map(Folder::pending) {
            let name = file.path.display().to_string();
            read.push((Some(file.path), file.revision.map_err(|why| (name, why))));
        }
        let contents = Contents::of(&live.snapshot());
        let readable: Vec<&Revision> = read
            .iter()
            .filter_map(|(_, read)| read.as_ref().ok())
            .collect();
        let entries = self.recorded_entries(&readable, out);
        let revision_states = revision_states(&readable, &contents, entries.as_deref());
        let mut revision_states = revision_states.into_iter();
        let entries = read.into_iter().map(|(path, revision)| match revision {
            Ok(revision) => HistoryEntry {
                name: Name::Number(revision.id()),
                path,
                revision: Ok((
                    revision,
                    revision_states.next().unwrap_or(RevisionState::Overwritten),
                )),
            },
            Err((key, why)) => HistoryEntry {
                name: Name::Key(key),
                path,
                revision: Err(why),
            },
        });
        let entries = entries.collect();
        Ok(History {
            live: contents,
            last_writer: live.last_writer(),
            entries,
        })
    }
}

/// Returns the folders whose local copies certainly belong to this cluster.
fn folders(cluster: &Cluster, root: &Path, out: &mut Out) -> Result<Vec<Folder>, Failure> {
    let keys = cluster.keys(out)?;
    let (certain, uncertain): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.is_certain());
    for key in uncertain {
        let folder = Folder::of(root, key);
        if !folder.revisions().is_empty() {
            let path = folder.path().display();
            out.note(&format!(
                "warning: the copies in {path} are not listed, because they may be of another cluster"
            ));
            out.note("hint: to restore one of them: awsauth restore FILE");
        }
    }
    let folders = certain.into_iter().map(|key| Folder::of(root, key));
    Ok(folders.collect())
}
