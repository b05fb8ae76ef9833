use std::fs::{self, File};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Folder, Keeping, Kept, NoCopy, Shelf, VERSION, is_lost_race, run_id};
use crate::cluster::HISTORY;
use crate::cluster::fault::{Fault, RequestError};
use crate::cluster::live::Live;
use crate::cluster::review;
use crate::cluster::store::{Mode, Store};
use crate::history::{Addition, Contents, Revision, Who};

/// For how long a write waits to learn who it is that writes: the copy does not depend on it.
const INTRODUCTION: Duration = Duration::from_secs(3);

/// A copy that is on its way when the time is over gets this long to be answered.
const GRACE: Duration = Duration::from_secs(5);

/// A run that has tried so often leaves the cluster's history to others: they write at the same time.
const TRIES: u32 = 2;

/// Keeps one copy of what a run changes. When the run plans anew, the copy is made anew, in place of the one before: what
/// somebody else wrote meanwhile is part of the text that an undo has to bring back.
///
/// Nobody waits for a turn in the history, as the time between dry run and write is when aws-auth itself may change: who is
/// too late there keeps its copy in the folder.
pub(in crate::cluster) struct Keeper<'a> {
    store: &'a Store,
    keeping: &'a Keeping,
    deadline: Instant,
    run: String,
    /// How often the cluster's history was tried.
    tries: u32,
    /// Whether there is nothing but the cluster's history.
    is_alone: bool,
    who: Option<Who>,
    /// Why the cluster does not take it.
    given_up: Option<Arc<RequestError>>,
    /// What was kept, of which texts.
    kept: Option<(Kept, Contents, Contents)>,
}

impl<'a> Keeper<'a> {
    pub(in crate::cluster) fn new(
        store: &'a Store,
        keeping: &'a Keeping,
        timeout: Duration,
    ) -> Self {
        Self {
            store,
            keeping,
            deadline: Instant::now() + timeout + GRACE,
            run: run_id(),
            tries: 0,
            is_alone: false,
            who: None,
            given_up: None,
            kept: None,
        }
    }

    /// Where the copy is.
    pub(in crate::cluster) fn into_kept(self) -> Option<Kept> {
        let (kept, ..) = self.kept?;
        if let Kept::InFolder { path, why: None } = &kept {
            // It was not waited for while others wrote.
            let _ = File::open(path).and_then(|file| file.sync_all());
        }
        Some(kept)
    }

    /// Whether it has to read what is kept.
    pub(in crate::cluster) fn reads(&self) -> bool {
        self.given_up.is_none() && (self.tries < TRIES || self.is_alone)
    }

    /// Asks once who it is that writes.
    pub(in crate::cluster) async fn introduce(&mut self) {
        if self.who.is_none() {
            let reviewed = review::who(self.store, INTRODUCTION).await;
            // Who may not ask, or gets no answer, is kept as unknown.
            self.who = Some(reviewed.map_or_else(
                |_| Who::default(),
                |who| Who {
                    arn: who.says("arn").map(str::to_owned),
                    username: Some(who.username),
                },
            ));
        }
    }

    /// Keeps what a write from `before` to `after` needs to be undone; `false` when others were faster, and all is to be read anew.
    pub(in crate::cluster) async fn keep(
        &mut self,
        before: &Live,
        after: &Live,
        read: Option<Result<Shelf, Fault>>,
    ) -> Result<bool, Arc<NoCopy>> {
        let shelf = match read {
            Some(Ok(shelf)) => Some(shelf),
            Some(Err(fault)) => {
                self.give_up(fault);
                None
            }
            None => None,
        };
        let number = shelf.as_ref().unwrap_or(&Shelf::default()).number(before);
        let before = Contents::of(&before.snapshot());
        let after = Contents::of(&after.snapshot()).existing();
        if let Some((_, was, is)) = &self.kept
            && *was == before
            && *is == after
        {
            return Ok(true);
        }
        let revision = Revision {
            number,
            run: self.run.clone(),
            before,
            after,
            who: self.who.clone().unwrap_or_default(),
            when: Timestamp::now(),
            command: self.keeping.command.clone(),
            version: VERSION.to_owned(),
            reason: self.keeping.reason.clone(),
        };
        let is_in_cluster = match shelf {
            Some(shelf) => self.is_in_cluster(&revision, &shelf).await,
            None => false,
        };
        let kept = match is_in_cluster {
            true => {
                if let Some((Kept::InFolder { path, .. }, ..)) = &self.kept {
                    // It is of a write that was not carried out, and only in the way.
                    let _ = fs::remove_file(path);
                }
                Kept::InCluster(number)
            }
            false => match self.in_folder(&revision)? {
                Some(kept) => kept,
                None => return Ok(false),
            },
        };
        self.kept = Some((kept, revision.before, revision.after));
        Ok(true)
    }

    /// Whether the cluster has taken it.
    async fn is_in_cluster(&mut self, revision: &Revision, shelf: &Shelf) -> bool {
        self.tries += 1;
        match self.in_cluster(revision, shelf).await {
            Ok(()) => return true,
            Err(fault) if is_lost_race(&fault) => {}
            Err(fault) => self.give_up(fault),
        }
        false
    }

    async fn in_cluster(&self, revision: &Revision, shelf: &Shelf) -> Result<(), Fault> {
        let addition = Addition::to(shelf.keys(), revision)
            .map_err(|full| Fault::TooLarge(full.to_string()))?;
        let object = Bytes::from(shelf.with(&addition).to_string());
        let sent = match shelf.live.exists() {
            true => {
                let sent = self
                    .store
                    .replace(HISTORY, &object, Mode::Real, self.deadline);
                sent.await?
            }
            false => {
                self.store
                    .create(&object, Mode::Real, self.deadline)
                    .await?
            }
        };
        match sent["binaryData"][&addition.key].as_str() == Some(&addition.value) {
            true => Ok(()),
            false => {
                let altered = "something in the cluster changes what is stored there";
                Err(Fault::Rejected(200, altered.to_owned()))
            }
        }
    }

    fn give_up(&mut self, fault: Fault) {
        self.given_up = Some(Arc::new(self.store.failed("update", fault)));
    }

    /// Keeps it in a file, or nowhere where that is allowed; `None` when the cluster may still take it.
    fn in_folder(&mut self, revision: &Revision) -> Result<Option<Kept>, Arc<NoCopy>> {
        let written = match &self.keeping.folder {
            Some(root) => Folder::of(root, self.store.target())
                .keep(revision, self.given_up.is_some())
                .map_err(|error| format!("{}: {error}", root.display())),
            None => Err("there is no home folder".to_owned()),
        };
        let why = self.given_up.clone();
        let folder = match written {
            Ok(path) => return Ok(Some(Kept::InFolder { path, why })),
            Err(folder) => folder,
        };
        let Some(cluster) = why else {
            self.is_alone = true;
            return Ok(None);
        };
        let no_copy = Arc::new(NoCopy { cluster, folder });
        match self.keeping.optional {
            true => Ok(Some(Kept::Nowhere(no_copy))),
            false => Err(no_copy),
        }
    }
}
