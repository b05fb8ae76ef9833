//! Stores a copy of aws-auth before a write, in the cluster or in a local folder.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    ClusterKey, CopyLocation, Folder, NoCopy, RecordOptions, VERSION, keys, new_history, patch,
    random_id,
};
use crate::HISTORY;
use crate::access_review;
use crate::api_client::{ApiClient, Mode};
use crate::error_kind::ErrorKind;
use crate::live_config_map::Live;
use crate::request_error::{Fault, RequestError};
use awsauth_core::history::{Addition, Contents, EntryWrite, Revision, Who};

/// How long a write waits for the API server to report the writer's identity. The copy does not depend on it.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(3);

/// The extra time for a copy that is being stored when the time limit ends, and for cleanup after the write.
const GRACE: Duration = Duration::from_secs(5);

/// The number of times that a copy is sent again after a conflict with another writer. The API server itself retries a patch
/// several times before it reports a conflict.
const RACES: u32 = 2;

/// The number of revisions beyond the limit that are tolerated until the next write that reads the history.
const MAX_SURPLUS: usize = 10;

/// Stores one copy of what a run changes. If the run plans again, a new copy replaces the old one, because the previous aws-auth
/// may now contain another client's change, which an undo must restore.
///
/// A write never waits for other writers of the history: aws-auth itself may change between dry run and write, and the
/// API server serializes concurrent patches of one object. If other clients write at the same time, the copy is first
/// stored in the local folder, and moved to the cluster after the write.
pub(crate) struct HistoryRecorder<'a> {
    client: &'a ApiClient,
    options: &'a RecordOptions,
    deadline: Instant,
    run: String,
    who: Option<Who>,
    /// The cluster's history as read; `None` if unknown.
    history: Option<Live>,
    /// Whether other clients write at the same time.
    is_contended: bool,
    /// The key of this run's copy that is, or may be, in the cluster. A new copy replaces it.
    own: Option<String>,
    /// The local folder for copies, once it is needed.
    folder: Option<Folder>,
    /// Why the cluster rejects copies.
    rejection: Option<Arc<RequestError>>,
    /// The stored copy.
    copy: Option<RecordedCopy>,
    /// Whether the write of this copy may have been applied although no response confirmed it.
    is_unconfirmed: bool,
}

/// A copy and its location.
struct RecordedCopy {
    revision: Revision,
    place: CopyPlace,
}

/// How a copy is sent to the cluster.
#[derive(Clone, Copy, PartialEq)]
enum AddMode {
    /// Only if no other client has changed the history.
    IfUnchanged,
    /// Even if other clients change the history.
    Always,
}

enum CopyPlace {
    /// The final location.
    Final(CopyLocation),
    /// A file that is moved to the cluster after the write.
    Moving(PathBuf),
}

impl<'a> HistoryRecorder<'a> {
    pub(crate) fn new(
        client: &'a ApiClient,
        options: &'a RecordOptions,
        timeout: Duration,
    ) -> Self {
        Self {
            client,
            options,
            deadline: Instant::now() + timeout + GRACE,
            run: random_id(),
            who: options.who.clone(),
            history: None,
            is_contended: false,
            own: None,
            folder: None,
            rejection: None,
            copy: None,
            is_unconfirmed: false,
        }
    }

    /// Requests the writer's identity, if unknown, and reads the cluster's history, unless other clients are writing.
    pub(crate) async fn prepare(&mut self) {
        self.identify().await;
        if self.history.is_none() && self.rejection.is_none() && !self.is_contended {
            match self.client.read_named(HISTORY, self.deadline).await {
                Ok(history) => self.history = Some(history),
                Err(fault) => drop(self.set_rejection("get", fault)),
            }
        }
    }

    /// Requests the writer's identity, if unknown, and prepares to store the next copy in the local folder, because other clients are
    /// writing.
    pub(crate) async fn prepare_for_contention(&mut self) {
        self.is_contended = true;
        self.identify().await;
        self.folder().await;
    }

    /// Allows copies to be stored until shortly after `deadline`.
    pub(crate) fn extend(&mut self, deadline: Instant) {
        self.deadline = self.deadline.max(deadline + GRACE);
    }

    /// Whether copies may be stored in a local folder.
    pub(crate) fn has_folder(&self) -> bool {
        self.options.folder.is_some()
    }

    /// Requests the writer's identity, if unknown. If the API server does not answer in time, the next call requests it again.
    async fn identify(&mut self) {
        if self.who.is_none() {
            self.who = match access_review::current_user(self.client, IDENTITY_TIMEOUT).await {
                Ok(who) => Some(who.who()),
                Err(error) if error.kind() == ErrorKind::Unreachable => None,
                Err(_) => Some(Who::default()),
            };
        }
    }

    /// Stores a copy that can undo the write from `before` to `after`.
    pub(crate) async fn record(&mut self, before: &Live, after: &Live) -> Result<(), Arc<NoCopy>> {
        self.identify().await;
        let number = self.number(before).await;
        let before = Contents::of(&before.snapshot());
        let after = Contents::of(&after.snapshot()).existing();
        if let Some(RecordedCopy { revision, .. }) = &self.copy
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
            command: self.options.command.clone(),
            version: VERSION.to_owned(),
            reason: self.options.reason.clone(),
            undoes: self.options.undoes,
            transaction: self.options.transaction.clone(),
            is_foreign: false,
            entries: None,
        };
        let is_obsolete = !self.is_unconfirmed;
        let place = self.place(&revision).await?;
        let earlier = self.copy.replace(RecordedCopy { revision, place });
        self.is_unconfirmed = false;
        if is_obsolete && let Some(earlier) = earlier {
            // The stored copy belongs to a write that was not applied.
            earlier.remove_file();
        }
        Ok(())
    }

    /// Stores a copy of access entries from before a write changes them. `live` is the current aws-auth.
    async fn record_entries(&mut self, live: &Live, write: Revision) -> Result<(), Arc<NoCopy>> {
        let number = self.number(live).await;
        let history = self.history.as_ref().and_then(Live::resource_version);
        let sequence = history.and_then(|version| version.parse().ok());
        let contents = Contents::of(&live.snapshot());
        let revision = Revision {
            number,
            before: contents.clone(),
            after: contents,
            who: match write.who == Who::default() {
                true => self.who.clone().unwrap_or_default(),
                false => write.who,
            },
            entries: write.entries.map(|write| EntryWrite {
                sequence: sequence.unwrap_or(write.sequence),
                ..write
            }),
            ..write
        };
        let place = self.place(&revision).await?;
        self.copy = Some(RecordedCopy { revision, place });
        Ok(())
    }

    async fn place(&mut self, revision: &Revision) -> Result<CopyPlace, Arc<NoCopy>> {
        if !self.is_contended && self.rejection.is_none() {
            match self
                .add(revision, AddMode::IfUnchanged, self.deadline)
                .await
            {
                Ok(()) => return Ok(CopyPlace::Final(CopyLocation::InCluster(revision.id()))),
                Err(fault) if is_lost_race(&fault) => self.is_contended = true,
                Err(fault) => drop(self.set_rejection("patch", fault)),
            }
        }
        let is_rejected = self.rejection.is_some();
        let written = match self.folder().await {
            Some(folder) => folder
                .write(revision, is_rejected)
                .map_err(|error| format!("{}: {error}", folder.path().display())),
            None => Err("there is no home folder".to_owned()),
        };
        let folder = match (written, self.rejection.clone()) {
            (Ok(path), None) => return Ok(CopyPlace::Moving(path)),
            (Ok(path), Some(why)) => {
                return Ok(CopyPlace::Final(CopyLocation::InFolder { path, why }));
            }
            (Err(folder), _) => folder,
        };
        let cluster = match self.rejection.clone() {
            Some(why) => why,
            // There is no other location, so this waits without a limit of its own.
            None => match self.add(revision, AddMode::Always, self.deadline).await {
                Ok(()) => return Ok(CopyPlace::Final(CopyLocation::InCluster(revision.id()))),
                Err(fault) => self.set_rejection("patch", fault),
            },
        };
        let no_copy = Arc::new(NoCopy { cluster, folder });
        match self.options.optional {
            true => Ok(CopyPlace::Final(CopyLocation::Nowhere(no_copy))),
            false => Err(no_copy),
        }
    }

    /// Returns the cluster's local folder; `None` if there is no folder for copies.
    async fn folder(&mut self) -> Option<&Folder> {
        if let (None, Some(root)) = (&self.folder, &self.options.folder) {
            let keys = ClusterKey::all(self.client).await;
            self.folder = keys.first().map(|key| Folder::of(root, key));
        }
        self.folder.as_ref()
    }

    /// Records what the API server stored. Without a dry run, only its answer shows what admission made of the write.
    pub(crate) fn stored(&mut self, answer: &Live) {
        if let Some(RecordedCopy { revision, place }) = &mut self.copy
            && matches!(place, CopyPlace::Moving(_))
        {
            revision.after = Contents::of(&answer.snapshot()).existing();
        }
    }

    /// Records that no response confirmed the write. Its copy is never removed.
    pub(crate) fn mark_unconfirmed(&mut self) {
        self.is_unconfirmed = true;
        self.own = None;
    }

    /// Moves the copy to its final location after a successful write, and returns that location.
    pub(crate) async fn finish(mut self) -> Option<CopyLocation> {
        let RecordedCopy { revision, place } = self.copy.take()?;
        let path = match place {
            CopyPlace::Final(location) => return Some(location),
            CopyPlace::Moving(path) => path,
        };
        Some(
            match self.add(&revision, AddMode::Always, grace_deadline()).await {
                Ok(()) => {
                    let _ = fs::remove_file(path);
                    self.remove_surplus(&revision).await;
                    CopyLocation::InCluster(revision.id())
                }
                Err(fault) => {
                    // The file was not synced before the write, to save time.
                    let _ = File::open(&path).and_then(|file| file.sync_all());
                    let why = Arc::new(self.client.failed("patch", fault));
                    CopyLocation::InFolder { path, why }
                }
            },
        )
    }

    /// Removes the oldest revisions if there are many more than the limit, because a copy that was moved to the cluster was added
    /// without reading the existing ones. If several runs move copies, only one of them removes revisions.
    async fn remove_surplus(&self, newest: &Revision) {
        let surplus = self.addition(newest, None).map(|addition| addition.removed);
        if let Ok(surplus) = surplus
            && surplus.len() >= MAX_SURPLUS
        {
            let patch = patch(None, &surplus, None);
            let _ = self.client.patch(HISTORY, &patch, grace_deadline()).await;
        }
    }

    /// Removes the copy after a write that was not applied.
    pub(crate) async fn withdraw(self) {
        if self.is_unconfirmed {
            return;
        }
        if let Some(copy) = self.copy {
            copy.remove_file();
        }
        if let Some(own) = self.own {
            // If this fails, the revision is shown as not applied.
            let patch = patch(None, &[own], None);
            let _ = self.client.patch(HISTORY, &patch, grace_deadline()).await;
        }
    }

    /// Returns the number of the revision with this aws-auth.
    async fn number(&self, live: &Live) -> u64 {
        let number = |live: &Live| live.resource_version()?.parse().ok();
        if live.exists() {
            return number(live).unwrap_or_default();
        }
        match &self.history {
            Some(history) => number(history).unwrap_or_default(),
            None => {
                let history = self.client.read_named(HISTORY, grace_deadline()).await;
                history.ok().as_ref().and_then(number).unwrap_or_default()
            }
        }
    }

    /// Adds a revision to the cluster's history. It replaces the one of the previous attempt.
    async fn add(
        &mut self,
        revision: &Revision,
        mode: AddMode,
        deadline: Instant,
    ) -> Result<(), Fault> {
        let replaced = self.own.clone();
        let mut addition = self.addition(revision, replaced.as_deref())?;
        self.own = Some(addition.key.clone());
        let (mut races, mut is_reread) = (0, false);
        let answer = loop {
            let sent = match mode {
                AddMode::IfUnchanged => self.send_if_unchanged(&addition, deadline).await,
                AddMode::Always => self.send(&addition, deadline).await,
            };
            match sent {
                Ok(answer) => break answer,
                Err(Fault::TooLarge(_)) if !is_reread => {
                    is_reread = true;
                    self.history = Some(self.client.read_named(HISTORY, deadline).await?);
                    addition = self.addition(revision, replaced.as_deref())?;
                }
                Err(fault) if mode == AddMode::Always && is_lost_race(&fault) && races < RACES => {
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
                let altered = "something in the cluster modifies this ConfigMap when it is written";
                Err(Fault::Rejected(200, altered.to_owned()))
            }
        }
    }

    fn addition(&self, revision: &Revision, replaced: Option<&str>) -> Result<Addition, Fault> {
        let keys = self.history.iter().flat_map(keys);
        Addition::to(keys, revision, replaced).map_err(|full| Fault::TooLarge(full.to_string()))
    }

    /// Adds the revision only if no other client has changed the history since it was read.
    async fn send_if_unchanged(
        &self,
        addition: &Addition,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        match self.history.as_ref().and_then(Live::resource_version) {
            Some(version) => {
                let patch = patch(Some(addition), &addition.removed, Some(version));
                self.client.patch(HISTORY, &patch, deadline).await
            }
            None => self.create(addition, deadline).await,
        }
    }

    /// Adds the revision even if other clients have changed or deleted the history.
    async fn send(&self, addition: &Addition, deadline: Instant) -> Result<Value, Fault> {
        let patch = patch(Some(addition), &addition.removed, None);
        match self.client.patch(HISTORY, &patch, deadline).await {
            Err(Fault::NotFound(_)) => self.create(addition, deadline).await,
            sent => sent,
        }
    }

    async fn create(&self, addition: &Addition, deadline: Instant) -> Result<Value, Fault> {
        let object = Bytes::from(new_history(addition).to_string());
        self.client
            .create(HISTORY, &object, Mode::Real, deadline)
            .await
    }

    fn set_rejection(&mut self, verb: &'static str, fault: Fault) -> Arc<RequestError> {
        let why = Arc::new(self.client.failed(verb, fault));
        Arc::clone(self.rejection.insert(why))
    }
}

/// Returns a write to access entries as a revision, without what the API server knows: aws-auth, its number and the sequence of the
/// write.
pub fn revision_of_entries(options: &RecordOptions, write: EntryWrite) -> Revision {
    Revision {
        number: 0,
        run: random_id(),
        before: Contents::default(),
        after: Contents::default(),
        who: options.who.clone().unwrap_or_default(),
        when: Timestamp::now(),
        command: options.command.clone(),
        version: VERSION.to_owned(),
        reason: options.reason.clone(),
        undoes: options.undoes,
        transaction: options.transaction.clone(),
        is_foreign: false,
        entries: Some(write),
    }
}

/// Stores a copy of the access entries that a write changes, before the write: a [`revision_of_entries`]. `live` is the current
/// aws-auth. Sets what the API server knows.
///
/// # Errors
/// If no copy can be stored, and the options require one.
pub async fn record_entries(
    client: &ApiClient,
    options: &RecordOptions,
    timeout: Duration,
    live: &Live,
    write: Revision,
) -> Result<Option<CopyLocation>, Arc<NoCopy>> {
    let mut recorder = HistoryRecorder::new(client, options, timeout);
    recorder.prepare().await;
    recorder.record_entries(live, write).await?;
    Ok(recorder.finish().await)
}

impl RecordedCopy {
    /// Deletes the local file, if there is one.
    fn remove_file(self) {
        if let CopyPlace::Moving(path) | CopyPlace::Final(CopyLocation::InFolder { path, .. }) =
            self.place
        {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether another client has changed, created or deleted the object since it was read.
fn is_lost_race(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Conflict(_) | Fault::AlreadyExists(_) | Fault::NotFound(_)
    )
}

fn grace_deadline() -> Instant {
    Instant::now() + GRACE
}
