//! The state of the cluster as reported by watches.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::convert::Known;
use awsauth_core::reconcile::{Object, ObjectKind, Status};
use awsauth_core::snapshot::Snapshot;
use awsauth_kube::field_managers::last_writer;
use awsauth_kube::{Live, is_own_manager};

/// The key of an object: its kind and name, which are unique at any time.
type Key = (ObjectKind, String);

/// The state reported by watches so far, shared by all parts of the process.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// `None` before it was looked at.
    aws_auth: watch::Sender<Option<Stored>>,
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// The newest resourceVersion seen of aws-auth, including its deletion.
    newest: u64,
    objects: BTreeMap<Key, Known>,
    /// The kinds that are completely listed.
    listed: Vec<ObjectKind>,
    /// The objects of a list in progress.
    coming: BTreeMap<Key, Known>,
}

/// aws-auth as last seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stored {
    /// The input of plans.
    pub(crate) snapshot: Snapshot,
    /// The field manager that last wrote it; `None` if it was awsauth itself or is unknown.
    pub(crate) last_manager: Option<String>,
}

/// All objects, at one point in time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roll {
    /// What decisions need of each.
    pub(crate) objects: Vec<Object>,
    /// Its finalizers and resourceVersion.
    rest: Vec<(Vec<String>, String)>,
}

impl Roll {
    /// One of them.
    pub(crate) fn get(&self, index: usize) -> Known {
        let (finalizers, resource_version) = self.rest[index].clone();
        Known {
            object: self.objects[index].clone(),
            finalizers,
            resource_version,
        }
    }

    /// One of them is now this.
    pub(crate) fn set(&mut self, index: usize, known: Known) {
        self.objects[index] = known.object;
        self.rest[index] = (known.finalizers, known.resource_version);
    }
}

impl Stored {
    /// What of it matters here.
    pub(crate) fn of(live: &Live) -> Self {
        let managers = live.managers();
        let last = last_writer(&managers).map(|manager| manager.name.clone());
        Self {
            snapshot: live.snapshot(),
            last_manager: last.filter(|name| !is_own_manager(name)),
        }
    }
}

impl Cache {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when something about objects has changed since this last completed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Has everything looked at once more.
    pub(crate) fn touch(&self) {
        self.changed.notify_one();
    }

    /// aws-auth as it was last seen, `None` before. What is no news does not count as a change.
    pub(crate) fn aws_auth(&self) -> watch::Receiver<Option<Stored>> {
        self.aws_auth.subscribe()
    }

    /// aws-auth as it is now, unless what is known of it is newer. What a write of one's own answered is no news to the watch.
    pub(crate) fn put_aws_auth(&self, live: &Live) {
        let stored = Stored::of(live);
        let at = stored.snapshot.resource_version.as_deref().map(version);
        self.see(stored, at);
    }

    /// aws-auth of this uid is gone, since this resourceVersion.
    pub(crate) fn remove_aws_auth(&self, uid: Option<&str>, at: Option<&str>) {
        let known = self.aws_auth.borrow().clone().unwrap_or_default();
        if known.snapshot.uid.as_deref() == uid {
            self.see(Stored::of(&Live::missing()), at.map(version));
        }
    }

    fn see(&self, stored: Stored, at: Option<u64>) {
        let mut inner = self.inner();
        if at.is_some_and(|at| at < inner.newest) {
            return;
        }
        inner.newest = at.unwrap_or(inner.newest);
        self.aws_auth.send_if_modified(|known| {
            let is_new = known.as_ref() != Some(&stored);
            if is_new {
                *known = Some(stored);
            }
            is_new
        });
    }

    /// An object as it is now, unless what is known of it is newer.
    pub(crate) fn put(&self, known: Known) {
        let key = key(&known.object);
        let mut inner = self.inner();
        let before = inner.objects.get(&key);
        if before.is_some_and(|before| is_older(&known, before)) {
            return;
        }
        let known = remembering(known, before);
        let is_new = before.is_none_or(|before| before.object != known.object);
        inner.objects.insert(key, known);
        drop(inner);
        if is_new {
            self.touch();
        }
    }

    /// What was just written about an object: it is no news.
    pub(crate) fn put_own(&self, known: Known) {
        let key = key(&known.object);
        let mut inner = self.inner();
        let before = inner.objects.get(&key);
        let is_same = |before: &&Known| before.object.uid == known.object.uid;
        let before = before.filter(is_same);
        if before.is_some_and(|before| !is_older(&known, before)) {
            inner.objects.insert(key, known);
        }
    }

    /// The object is gone. One that has no finalizer stays as a memory until its entry is gone.
    pub(crate) fn remove(&self, kind: ObjectKind, name: &str, uid: &str) {
        let key = (kind, name.to_owned());
        let mut inner = self.inner();
        let Some(known) = inner.objects.get_mut(&key) else {
            return;
        };
        if known.object.uid != uid {
            return;
        }
        match leaves_a_memory(known) {
            true => known.object.is_deleting = true,
            false => drop(inner.objects.remove(&key)),
        }
        drop(inner);
        self.touch();
    }

    /// A list of all objects of this kind begins.
    pub(crate) fn begin(&self, kind: ObjectKind) {
        self.inner().coming.retain(|(of, _), _| *of != kind);
    }

    /// One of that list.
    pub(crate) fn list(&self, known: Known) {
        let key = key(&known.object);
        self.inner().coming.insert(key, known);
    }

    /// That list is whole: there are no others.
    pub(crate) fn listed(&self, kind: ObjectKind) {
        let mut inner = self.inner();
        let coming = std::mem::take(&mut inner.coming);
        let (ours, others) = coming.into_iter().partition(|((of, _), _)| *of == kind);
        inner.coming = others;
        let mut ours: BTreeMap<Key, Known> = ours;
        let before = std::mem::take(&mut inner.objects);
        let mut is_new = !inner.listed.contains(&kind);
        for (key, old) in before {
            match ours.remove(&key) {
                _ if key.0 != kind => drop(inner.objects.insert(key, old)),
                Some(new) => {
                    let new = remembering(new, Some(&old));
                    is_new |= new.object != old.object;
                    inner.objects.insert(key, new);
                }
                None => {
                    is_new = true;
                    if leaves_a_memory(&old) {
                        let mut old = old;
                        old.object.is_deleting = true;
                        inner.objects.insert(key, old);
                    }
                }
            }
        }
        is_new |= !ours.is_empty();
        inner.objects.extend(ours);
        if !inner.listed.contains(&kind) {
            inner.listed.push(kind);
        }
        drop(inner);
        if is_new {
            self.touch();
        }
    }

    /// The cluster knows no such kind, and so there are none. Where there were some, they are only out of sight.
    pub(crate) fn lists_none(&self, kind: ObjectKind) {
        if !self.inner().listed.contains(&kind) {
            self.begin(kind);
            self.listed(kind);
        }
    }

    /// Remembers the status of an object that has none of ours; forgets it when it is gone and `release` says that nothing is left.
    pub(crate) fn remember(&self, object: &Object, status: &Status, release: bool) {
        let key = key(object);
        let mut inner = self.inner();
        let Some(known) = inner.objects.get_mut(&key) else {
            return;
        };
        if known.object.uid == object.uid {
            known.object.status = status.clone();
            if release && known.object.is_deleting {
                inner.objects.remove(&key);
            }
        }
    }

    /// Forgets what is remembered of objects that have no status of ours.
    pub(crate) fn forget(&self) {
        let mut inner = self.inner();
        inner
            .objects
            .retain(|_, known| !(leaves_a_memory(known) && known.object.is_deleting));
        let remembered = inner.objects.values_mut();
        for known in remembered.filter(|known| leaves_a_memory(known)) {
            known.object.status = Status::default();
        }
    }

    /// All objects of these kinds, once all of them are known.
    pub(crate) fn all(&self, kinds: &[ObjectKind]) -> Option<Roll> {
        let inner = self.inner();
        if !kinds.iter().all(|kind| inner.listed.contains(kind)) {
            return None;
        }
        let mut roll = Roll::default();
        for known in inner.objects.values() {
            roll.objects.push(known.object.clone());
            roll.rest
                .push((known.finalizers.clone(), known.resource_version.clone()));
        }
        Some(roll)
    }
}

fn key(object: &Object) -> Key {
    (object.kind, object.name.clone())
}

/// Whether `one` was read before `other`, of the same object.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>
fn is_older(one: &Known, other: &Known) -> bool {
    one.object.uid == other.object.uid
        && version(&one.resource_version) < version(&other.resource_version)
}

fn version(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// The object with the status that is remembered of it, if its own is not ours to write.
fn remembering(mut known: Known, before: Option<&Known>) -> Known {
    if known.object.kind == ObjectKind::IamIdentityMapping
        && let Some(before) = before.filter(|before| before.object.uid == known.object.uid)
    {
        known.object.status = before.object.status.clone();
    }
    known
}

fn leaves_a_memory(known: &Known) -> bool {
    let status = &known.object.status;
    known.object.kind == ObjectKind::IamIdentityMapping
        && (status.entry.is_some() || !status.pending.is_empty())
}
