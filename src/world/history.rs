use std::fmt;
use std::path::PathBuf;

use super::World;
use super::keep::state_folder;
use crate::cluster::history::Folder;
use crate::cluster::managers::last_writer;
use crate::edge::{Failure, Out};
use crate::history::{Contents, Revision, Slot, Standing, slots, standings};

/// aws-auth as it is, and all that is kept of what it was.
#[derive(Debug)]
pub(crate) struct History {
    /// As it is.
    pub(crate) live: Contents,
    /// The field manager that wrote it last, and when, if it is on record.
    pub(crate) last_writer: Option<String>,
    /// What is kept, from the oldest to the newest; what can't be read stands where its number belongs.
    pub(crate) kept: Vec<KeptRevision>,
}

/// Something that was kept.
#[derive(Debug)]
pub(crate) struct KeptRevision {
    /// What it is called.
    pub(crate) name: Name,
    /// Its file; `None` of one in the cluster.
    pub(crate) path: Option<PathBuf>,
    /// The revision and what came after it, or why it can't be read.
    pub(crate) revision: Result<(Revision, Standing), String>,
}

/// What a revision is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// The resourceVersion of the aws-auth that was kept.
    Number(u64),
    /// What is no revision: its key in the cluster, or its file.
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

/// A revision, or what it is called and why it can't be read.
type Readable = Result<Revision, (String, String)>;

impl History {
    /// The revision of this name; of several runs that found the same aws-auth, the one that wrote.
    pub(crate) fn find(&self, name: &str) -> Option<&KeptRevision> {
        let named = || {
            self.kept
                .iter()
                .filter(|kept| kept.name.to_string() == name)
        };
        let wrote = |kept: &&KeptRevision| matches!(&kept.revision, Ok((_, standing)) if *standing != Standing::Void);
        named().find(wrote).or_else(|| named().next())
    }

    /// The newest write that is in force, or was until somebody else wrote.
    pub(crate) fn newest_write(&self) -> Option<(&Name, &Revision)> {
        let mut newest_first = self.kept.iter().rev();
        newest_first.find_map(|kept| match &kept.revision {
            Ok((revision, standing)) if *standing != Standing::Void => Some((&kept.name, revision)),
            _ => None,
        })
    }

    /// Whether the controller made one of the writes that are in force from this one on.
    pub(crate) fn is_by_controller_since(&self, first: &Revision) -> bool {
        let readable = self.kept.iter().flat_map(|kept| &kept.revision);
        readable
            .filter(|(revision, standing)| {
                revision.number >= first.number && *standing != Standing::Void
            })
            .any(|(revision, _)| revision.is_by_controller())
    }

    /// Whether what is there now is not what the newest write left.
    pub(crate) fn is_changed_by_others(&self) -> bool {
        let newest = self.newest_write();
        newest.is_some_and(|(_, revision)| revision.after != self.live)
    }
}

impl World {
    /// Reads aws-auth and all that is kept of what it was.
    ///
    /// # Errors
    /// When it is a manifest, which version control keeps; and when aws-auth can't be read. A history that the cluster does
    /// not give out is told of, and what is kept on this machine is all there is then.
    pub(crate) fn history(&self, out: &mut Out) -> Result<History, Failure> {
        self.must_be_cluster()?;
        let Self::Cluster(cluster) = self else {
            return Err(Failure::usage("there is no cluster"));
        };
        let (live, shelf) = cluster.read_history(out)?;
        let mut read: Vec<(Option<PathBuf>, Readable)> = Vec::new();
        match shelf {
            Ok(values) => read.extend(slots(&values).into_iter().map(|slot| match slot {
                Slot::Revision(revision) => (None, Ok(*revision)),
                Slot::Unreadable { key, why } => (None, Err((key, why.to_string()))),
            })),
            Err(error) => out.note(&format!(
                "warning: the cluster's history can't be read: {error}"
            )),
        }
        let folder = state_folder().map(|root| Folder::of(&root, cluster.target()));
        for file in folder.iter().flat_map(Folder::revisions) {
            let is_same = |of: &Revision| file.revision.as_ref() == Ok(of);
            if read
                .iter()
                .any(|(_, read)| read.as_ref().is_ok_and(is_same))
            {
                // Whoever moved it to the cluster did not come to remove it.
                continue;
            }
            let name = file.path.display().to_string();
            read.push((Some(file.path), file.revision.map_err(|why| (name, why))));
        }
        read.sort_by_key(|(_, revision)| revision.as_ref().ok().map(|revision| revision.number));
        let contents = Contents::of(&live.snapshot());
        let readable: Vec<&Revision> = read
            .iter()
            .filter_map(|(_, read)| read.as_ref().ok())
            .collect();
        let mut standings = standings(&readable, &contents).into_iter();
        let kept = read.into_iter().map(|(path, revision)| match revision {
            Ok(revision) => KeptRevision {
                name: Name::Number(revision.number),
                path,
                revision: Ok((revision, standings.next().unwrap_or(Standing::Foreign))),
            },
            Err((key, why)) => KeptRevision {
                name: Name::Key(key),
                path,
                revision: Err(why),
            },
        });
        let kept = kept.collect();
        let managers = live.managers();
        let last_writer = last_writer(&managers).map(|manager| match &manager.time {
            Some(time) => format!("{}, {time}", manager.name),
            None => manager.name.clone(),
        });
        Ok(History {
            live: contents,
            last_writer,
            kept,
        })
    }
}
