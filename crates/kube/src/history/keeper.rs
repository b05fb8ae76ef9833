use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{Folder, Keeping, Kept, NoCopy, VERSION, keys, patch, run_id, with};
use crate::HISTORY;
use crate::api_client::{Mode, Store};
use crate::live::Live;
use crate::request_error::{Fault, RequestError};
use crate::review;
use awsauth_core::history::{Addition, Contents, Revision, Who};

/// For how long a write waits to learn who it is that writes: the copy does not depend on it.
const INTRODUCTION: Duration = Duration::from_secs(3);

/// A copy that is on its way when the time is over gets this long to be answered; so does what is left to do after the write.
const GRACE: Duration = Duration::from_secs(5);

/// How often a copy is sent again at once because others have changed the history meanwhile. The API server itself tries a
/// patch several times before it says so.
const RACES: u32 = 2;

/// Keeps one copy of what a run changes. When the run plans anew, the copy is made anew, in place of the one before: what
/// somebody else wrote meanwhile is part of the text that an undo has to bring back.
///
/// Nobody waits for a turn in the history, as the time between dry run and write is when aws-auth itself may change, and an
/// API server that is to patch one object for many at once makes each of them wait for the others. Who sees that others write
/// at the same time keeps its copy in the folder, and has it moved to the cluster after the write, when its turn is over.
pub(crate) struct Keeper<'a> {
    store: &'a Store,
    keeping: &'a Keeping,
    deadline: Instant,
    run: String,
    who: Option<Who>,
    /// The cluster's history as it was read; `None` while it is not known.
    history: Option<Live>,
    /// Whether others write at the same time.
    is_contended: bool,
    /// The key of a copy that is in the cluster, or may be, and is in the way once there is another.
    own: Option<String>,
    /// Why the cluster does not take it.
    given_up: Option<Arc<RequestError>>,
    /// What was kept, and where.
    kept: Option<KeptCopy>,
    /// Whether the write that it was kept for may have been carried out although nobody said so.
    is_in_doubt: bool,
}

/// A copy, and where it is.
struct KeptCopy {
    revision: Revision,
    place: Place,
}

/// How a copy gets into the cluster.
#[derive(Clone, Copy, PartialEq)]
enum Turn {
    /// At once or not at all.
    IfFree,
    /// When the API server gets round to it.
    Whenever,
}

enum Place {
    /// There to stay.
    Final(Kept),
    /// A file that is to be moved to the cluster once the write is done.
    Moving(PathBuf),
}

impl<'a> Keeper<'a> {
    pub(crate) fn new(store: &'a Store, keeping: &'a Keeping, timeout: Duration) -> Self {
        Self {
            store,
            keeping,
            deadline: Instant::now() + timeout + GRACE,
            run: run_id(),
            who: keeping.who.clone(),
            history: None,
            is_contended: false,
            own: None,
            given_up: None,
            kept: None,
            is_in_doubt: false,
        }
    }

    /// Asks once who it is that writes, where that is not known, and, while nobody else seems to, what the cluster's history has.
    pub(crate) async fn prepare(&mut self, attempt: u32) {
        self.is_contended |= attempt > 1;
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
        if self.history.is_none() && self.given_up.is_none() && !self.is_contended {
            match self.store.read_named(HISTORY, self.deadline).await {
                Ok(history) => self.history = Some(history),
                Err(fault) => drop(self.give_up("get", fault)),
            }
        }
    }

    /// Keeps what a write from `before` to `after` needs to be undone.
    pub(crate) async fn keep(&mut self, before: &Live, after: &Live) -> Result<(), Arc<NoCopy>> {
        let number = self.number(before).await;
        let before = Contents::of(&before.snapshot());
        let after = Contents::of(&after.snapshot()).existing();
        if let Some(KeptCopy { revision, .. }) = &self.kept
            && revision.before == before
            && revision.after == after
        {
            return Ok(());
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
        let is_to_go = !self.is_in_doubt;
        let place = self.place(&revision).await?;
        let earlier = self.kept.replace(KeptCopy { revision, place });
        self.is_in_doubt = false;
        if is_to_go && let Some(earlier) = earlier {
            // It is of a write that was not carried out, and only in the way.
            earlier.remove_file();
        }
        Ok(())
    }

    async fn place(&mut self, revision: &Revision) -> Result<Place, Arc<NoCopy>> {
        if !self.is_contended && self.given_up.is_none() {
            match self.add(revision, Turn::IfFree, self.deadline).await {
                Ok(()) => return Ok(Place::Final(Kept::InCluster(revision.number))),
                Err(fault) if is_lost_race(&fault) => self.is_contended = true,
                Err(fault) => drop(self.give_up("patch", fault)),
            }
        }
        let written = match &self.keeping.folder {
            Some(root) => Folder::of(root, self.store.target())
                .keep(revision, self.given_up.is_some())
                .map_err(|error| format!("{}: {error}", root.display())),
            None => Err("there is no home folder".to_owned()),
        };
        let folder = match (written, self.given_up.clone()) {
            (Ok(path), None) => return Ok(Place::Moving(path)),
            (Ok(path), Some(why)) => return Ok(Place::Final(Kept::InFolder { path, why })),
            (Err(folder), _) => folder,
        };
        let cluster = match self.given_up.clone() {
            Some(why) => why,
            // There is no other place, however long it takes.
            None => match self.add(revision, Turn::Whenever, self.deadline).await {
                Ok(()) => return Ok(Place::Final(Kept::InCluster(revision.number))),
                Err(fault) => self.give_up("patch", fault),
            },
        };
        let no_copy = Arc::new(NoCopy { cluster, folder });
        match self.keeping.optional {
            true => Ok(Place::Final(Kept::Nowhere(no_copy))),
            false => Err(no_copy),
        }
    }

    /// No answer tells whether the write was carried out: its copy stays, whatever comes.
    pub(crate) fn doubt(&mut self) {
        self.is_in_doubt = true;
        self.own = None;
    }

    /// The write was carried out: the copy goes where it is to stay. Says where that is.
    pub(crate) async fn settled(mut self) -> Option<Kept> {
        let KeptCopy { revision, place } = self.kept.take()?;
        let path = match place {
            Place::Final(kept) => return Some(kept),
            Place::Moving(path) => path,
        };
        Some(match self.add(&revision, Turn::Whenever, soon()).await {
            Ok(()) => {
                let _ = fs::remove_file(path);
                Kept::InCluster(revision.number)
            }
            Err(fault) => {
                // It was not waited for while others wrote.
                let _ = File::open(&path).and_then(|file| file.sync_all());
                let why = Arc::new(self.store.failed("patch", fault));
                Kept::InFolder { path, why }
            }
        })
    }

    /// Nothing was written, and so there is nothing to undo.
    pub(crate) async fn withdraw(self) {
        if self.is_in_doubt {
            return;
        }
        if let Some(copy) = self.kept {
            copy.remove_file();
        }
        if let Some(own) = self.own {
            // What stays is shown as not carried out.
            let patch = patch(None, &[own], None);
            let _ = self.store.patch(HISTORY, &patch, soon()).await;
        }
    }

    /// The number of a revision that keeps this aws-auth.
    async fn number(&self, live: &Live) -> u64 {
        let number = |live: &Live| live.resource_version()?.parse().ok();
        if live.exists() {
            return number(live).unwrap_or_default();
        }
        match &self.history {
            Some(history) => number(history).unwrap_or_default(),
            None => {
                let history = self.store.read_named(HISTORY, soon()).await;
                history.ok().as_ref().and_then(number).unwrap_or_default()
            }
        }
    }

    /// Adds it to the cluster's history, in place of the one of the attempt before.
    async fn add(
        &mut self,
        revision: &Revision,
        turn: Turn,
        deadline: Instant,
    ) -> Result<(), Fault> {
        let replaced = self.own.clone();
        let mut addition = self.addition(revision, replaced.as_deref())?;
        self.own = Some(addition.key.clone());
        let (mut races, mut is_read_anew) = (0, false);
        let answer = loop {
            let sent = match turn {
                Turn::IfFree => self.send_if_free(&addition, deadline).await,
                Turn::Whenever => self.send(&addition, deadline).await,
            };
            match sent {
                Ok(answer) => break answer,
                Err(Fault::TooLarge(_)) if !is_read_anew => {
                    is_read_anew = true;
                    self.history = Some(self.store.read_named(HISTORY, deadline).await?);
                    addition = self.addition(revision, replaced.as_deref())?;
                }
                Err(fault) if turn == Turn::Whenever && is_lost_race(&fault) && races < RACES => {
                    races += 1;
                }
                Err(fault) => return Err(fault),
            }
        };
        let stored = answer["binaryData"][&addition.key].as_str() == Some(&addition.value);
        self.history = Some(Live::stored(answer));
        match stored {
            true => Ok(()),
            false => {
                let altered = "something in the cluster changes what is stored there";
                Err(Fault::Rejected(200, altered.to_owned()))
            }
        }
    }

    fn addition(&self, revision: &Revision, replaced: Option<&str>) -> Result<Addition, Fault> {
        let keys = self.history.iter().flat_map(keys);
        Addition::to(keys, revision, replaced).map_err(|full| Fault::TooLarge(full.to_string()))
    }

    /// Only if nobody has changed the history since it was read.
    async fn send_if_free(&self, addition: &Addition, deadline: Instant) -> Result<Value, Fault> {
        match self.history.as_ref().and_then(Live::resource_version) {
            Some(version) => {
                let patch = patch(Some(addition), &addition.gone, Some(version));
                self.store.patch(HISTORY, &patch, deadline).await
            }
            None => self.make(addition, deadline).await,
        }
    }

    /// Whoever else changes it, and whether or not there is one yet.
    async fn send(&self, addition: &Addition, deadline: Instant) -> Result<Value, Fault> {
        let patch = patch(Some(addition), &addition.gone, None);
        match self.store.patch(HISTORY, &patch, deadline).await {
            Err(Fault::NotFound(_)) => self.make(addition, deadline).await,
            sent => sent,
        }
    }

    async fn make(&self, addition: &Addition, deadline: Instant) -> Result<Value, Fault> {
        let object = Bytes::from(with(addition).to_string());
        self.store
            .create(HISTORY, &object, Mode::Real, deadline)
            .await
    }

    fn give_up(&mut self, verb: &'static str, fault: Fault) -> Arc<RequestError> {
        let why = Arc::new(self.store.failed(verb, fault));
        Arc::clone(self.given_up.insert(why))
    }
}

impl KeptCopy {
    /// Lets the file go, if it is in one.
    fn remove_file(self) {
        if let Place::Moving(path) | Place::Final(Kept::InFolder { path, .. }) = self.place {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether somebody has changed, made or deleted it since it was read.
fn is_lost_race(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Conflict(_) | Fault::AlreadyExists(_) | Fault::NotFound(_)
    )
}

fn soon() -> Instant {
    Instant::now() + GRACE
}
