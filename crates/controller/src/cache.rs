//! The cluster's state as reported by watches.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::convert::CachedObject;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::SectionName;
use awsauth_core::reconcile::{Object, ObjectKind, Status};
use awsauth_kube::field_managers::{FieldManager, writer_between};
use awsauth_kube::{CONTROLLER, Live};

/// The maximum number of states of aws-auth that are kept until they are taken.
const MAX_STATES: usize = 16;

/// The key of an object: its kind and name, which are unique at any time.
type Key = (ObjectKind, String);

/// The state reported by watches so far, shared by all parts of the process.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// `None` until it is read for the first time.
    aws_auth: watch::Sender<Option<StoredAwsAuth>>,
    inner: Mutex<Inner>,
    changed: Notify,
    /// The number of times that new lists were requested.
    lists: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The newest resourceVersion seen of aws-auth, including its deletion.
    newest: u64,
    /// The newest aws-auth that existed.
    last_existing: Option<StoredAwsAuth>,
    /// aws-auth as it was when it was deleted, if the watch reported that and it has not existed since.
    deleted: Option<StoredAwsAuth>,
    /// The last states of aws-auth that were not taken yet, from the oldest to the newest.
    states: VecDeque<StoredAwsAuth>,
    objects: BTreeMap<Key, CachedObject>,
    /// The kinds that are completely listed.
    listed: Vec<ObjectKind>,
    /// Those of them that the API server does not know.
    unknown: Vec<ObjectKind>,
    /// The objects of lists in progress.
    listing: BTreeMap<Key, CachedObject>,
}

/// aws-auth as last seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StoredAwsAuth {
    pub(crate) snapshot: Snapshot,
    /// The field manager that last wrote it; `None` if it was the controller itself or is unknown.
    pub(crate) last_manager: Option<String>,
    /// The same for each section.
    pub(crate) section_managers: [Option<String>; 3],
    managers: Vec<FieldManager>,
}

/// All objects at one point in time.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectList {
    pub(crate) objects: Vec<Object>,
    /// The finalizers, unless there are too many, and the resourceVersion of each object.
    metadata: Vec<(Option<Vec<String>>, String)>,
}

impl ObjectList {
    pub(crate) fn get(&self, index: usize) -> CachedObject {
        let (finalizers, resource_version) = self.metadata[index].clone();
        CachedObject {
            object: self.objects[index].clone(),
            finalizers,
            resource_version,
        }
    }

    pub(crate) fn set(&mut self, index: usize, new: CachedObject) {
        self.objects[index] = new.object;
        self.metadata[index] = (new.finalizers, new.resource_version);
    }
}

impl StoredAwsAuth {
    /// `before` is the state before the last write, as far as it is known.
    fn of(live: &Live, before: &Self) -> Self {
        let managers = live.managers();
        let writer = |key| {
            let writer = writer_between(&before.managers, &managers, key)?;
            (writer.name != CONTROLLER).then(|| writer.name.clone())
        };
        Self {
            snapshot: live.snapshot(),
            last_manager: writer(None),
            section_managers: SectionName::ALL.map(|section| writer(Some(section.key()))),
            managers,
        }
    }

    pub(crate) fn exists(&self) -> bool {
        self.snapshot.resource_version.is_some()
    }

    /// Returns the resourceVersion; 0 if aws-auth does not exist.
    pub(crate) fn version(&self) -> u64 {
        self.snapshot.resource_version.as_deref().map_or(0, version)
    }
}

impl Cache {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when an object has changed since this last completed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn notify(&self) {
        self.changed.notify_one();
    }

    /// Returns aws-auth as last seen; `None` until it is read. The receiver is notified only if aws-auth differs.
    pub(crate) fn aws_auth(&self) -> watch::Receiver<Option<StoredAwsAuth>> {
        self.aws_auth.subscribe()
    }

    /// Returns the newest aws-auth that existed; `None` if this process has not seen any.
    pub(crate) fn last_existing(&self) -> Option<StoredAwsAuth> {
        self.inner().last_existing.clone()
    }

    /// Returns aws-auth as it was when it was deleted; `None` if it exists or the watch did not report its deletion. A list that lacks
    /// aws-auth is no such report: other clients may have changed it before they deleted it.
    pub(crate) fn deleted(&self) -> Option<StoredAwsAuth> {
        self.inner().deleted.clone()
    }

    /// Returns the states of aws-auth since the last call, from the oldest to the newest. The receiver of [`aws_auth`](Self::aws_auth) may
    /// see only the newest one.
    pub(crate) fn take_states(&self) -> VecDeque<StoredAwsAuth> {
        std::mem::take(&mut self.inner().states)
    }

    /// Returns the states that [`take_states`](Self::take_states) will return, up to this one.
    pub(crate) fn states_until(&self, last: &StoredAwsAuth) -> Vec<StoredAwsAuth> {
        let inner = self.inner();
        let count = inner.states.iter().position(|state| state == last);
        let states = inner.states.iter();
        states.take(count.map_or(0, |at| at + 1)).cloned().collect()
    }

    /// Stores aws-auth, unless a newer version is known. After a write, the watch event with the same version changes nothing. Returns what
    /// would be stored, or is.
    pub(crate) fn put_aws_auth(&self, live: &Live) -> StoredAwsAuth {
        let known = self.known_aws_auth();
        if known.exists() && known.snapshot.resource_version.as_deref() == live.resource_version() {
            return known;
        }
        let stored = StoredAwsAuth::of(live, &known);
        let at = stored.snapshot.resource_version.as_deref().map(version);
        self.update_aws_auth(stored.clone(), at, None);
        stored
    }

    fn known_aws_auth(&self) -> StoredAwsAuth {
        self.aws_auth.borrow().clone().unwrap_or_default()
    }

    /// Removes aws-auth. `last` is its last state, with the resourceVersion of the deletion.
    pub(crate) fn remove_aws_auth(&self, last: &Live) {
        let known = self.known_aws_auth();
        let last = StoredAwsAuth::of(last, &known);
        if known.snapshot.uid == last.snapshot.uid {
            let at = last.version();
            self.update_aws_auth(StoredAwsAuth::default(), Some(at), Some(last));
        }
    }

    /// `deleted` is the last state if the watch reports a deletion.
    fn update_aws_auth(
        &self,
        stored: StoredAwsAuth,
        at: Option<u64>,
        deleted: Option<StoredAwsAuth>,
    ) {
        let mut inner = self.inner();
        if at.is_some_and(|at| at < inner.newest) {
            return;
        }
        inner.newest = at.unwrap_or(inner.newest);
        if stored.exists() {
            inner.last_existing = Some(stored.clone());
        }
        if stored.exists() || deleted.is_some() {
            inner.deleted = deleted;
        }
        self.aws_auth.send_if_modified(|known| {
            let is_new = known.as_ref() != Some(&stored);
            if is_new {
                if inner.states.len() == MAX_STATES {
                    inner.states.pop_front();
                }
                inner.states.push_back(stored.clone());
                *known = Some(stored);
            }
            is_new
        });
    }

    /// Stores an object, unless a newer version is known.
    pub(crate) fn put(&self, new: CachedObject) {
        let key = key(&new.object);
        let mut inner = self.inner();
        let before = inner.objects.get(&key);
        if before.is_some_and(|before| is_older(&new, before)) {
            return;
        }
        let new = with_remembered_status(new, before);
        let is_new = before.is_none_or(|before| before.object != new.object);
        inner.objects.insert(key, new);
        drop(inner);
        if is_new {
            self.notify();
        }
    }

    /// Stores the result of the controller's own write to an object, which is not notified as a change.
    pub(crate) fn put_own(&self, new: CachedObject) {
        let key = key(&new.object);
        let mut inner = self.inner();
        let before = inner.objects.get(&key);
        let is_same = |before: &&CachedObject| before.object.uid == new.object.uid;
        let before = before.filter(is_same);
        if before.is_some_and(|before| !is_older(&new, before)) {
            inner.objects.insert(key, new);
        }
    }

    /// Removes an object. An IAMIdentityMapping with an entry is kept, marked as being deleted, until its entry is removed.
    pub(crate) fn remove(&self, kind: ObjectKind, name: &str, uid: &str) {
        let key = (kind, name.to_owned());
        let mut inner = self.inner();
        let Some(known) = inner.objects.get_mut(&key) else {
            return;
        };
        if known.object.uid != uid {
            return;
        }
        match has_remembered_status(known) {
            true => known.object.is_deleting = true,
            false => drop(inner.objects.remove(&key)),
        }
        drop(inner);
        self.notify();
    }

    /// Starts a list of all objects of this kind.
    pub(crate) fn list_started(&self, kind: ObjectKind) {
        self.inner().listing.retain(|(of, _), _| *of != kind);
    }

    /// Adds an object to that list.
    pub(crate) fn list_item(&self, object: CachedObject) {
        let key = key(&object.object);
        self.inner().listing.insert(key, object);
    }

    /// Replaces all objects of this kind by that list.
    pub(crate) fn list_finished(&self, kind: ObjectKind) {
        let mut inner = self.inner();
        let listing = std::mem::take(&mut inner.listing);
        let (listed, others) = listing.into_iter().partition(|((of, _), _)| *of == kind);
        inner.listing = others;
        let mut listed: BTreeMap<Key, CachedObject> = listed;
        let before = std::mem::take(&mut inner.objects);
        inner.unknown.retain(|unknown| *unknown != kind);
        let mut is_new = !inner.listed.contains(&kind);
        for (key, old) in before {
            match listed.remove(&key) {
                _ if key.0 != kind => drop(inner.objects.insert(key, old)),
                Some(new) => {
                    let new = with_remembered_status(new, Some(&old));
                    is_new |= new.object != old.object;
                    inner.objects.insert(key, new);
                }
                None => {
                    is_new = true;
                    if has_remembered_status(&old) {
                        let mut old = old;
                        old.object.is_deleting = true;
                        inner.objects.insert(key, old);
                    }
                }
            }
        }
        is_new |= !listed.is_empty();
        inner.objects.extend(listed);
        if !inner.listed.contains(&kind) {
            inner.listed.push(kind);
        }
        drop(inner);
        if is_new {
            self.notify();
        }
    }

    /// Requests new lists of the objects. Until they are complete, no objects are known.
    pub(crate) fn list_again(&self) {
        self.inner().listed.clear();
        self.lists.send_modify(|requested| *requested += 1);
    }

    /// Is notified when new lists are requested.
    pub(crate) fn list_requests(&self) -> watch::Receiver<u64> {
        self.lists.subscribe()
    }

    /// Registers that the API server does not know the kind: the list is empty, unless the kind was listed before.
    pub(crate) fn kind_unknown(&self, kind: ObjectKind) {
        if !self.inner().listed.contains(&kind) {
            self.list_started(kind);
            self.list_finished(kind);
            self.inner().unknown.push(kind);
        }
    }

    /// Returns whether the list of a kind is empty because the API server does not know it.
    pub(crate) fn is_unknown(&self, kind: ObjectKind) -> bool {
        self.inner().unknown.contains(&kind)
    }

    /// Remembers the status of an IAMIdentityMapping. With `is_released`, removes the object if it was deleted.
    pub(crate) fn remember(&self, object: &Object, status: &Status, is_released: bool) {
        let key = key(object);
        let mut inner = self.inner();
        let Some(known) = inner.objects.get_mut(&key) else {
            return;
        };
        if known.object.uid == object.uid {
            known.object.status = status.clone();
            if is_released && known.object.is_deleting {
                inner.objects.remove(&key);
            }
        }
    }

    /// Forgets the remembered statuses of IAMIdentityMappings.
    pub(crate) fn forget_remembered(&self) {
        let mut inner = self.inner();
        inner
            .objects
            .retain(|_, known| !(has_remembered_status(known) && known.object.is_deleting));
        let remembered = inner.objects.values_mut();
        for known in remembered.filter(|known| has_remembered_status(known)) {
            known.object.status = Status::default();
        }
    }

    /// Returns whether one of these objects is being deleted now, or does not exist any more, and was not being deleted.
    pub(crate) fn has_newly_deleted(&self, known: &[(ObjectKind, String, String)]) -> bool {
        let inner = self.inner();
        known.iter().any(|(kind, name, uid)| {
            let now = inner.objects.get(&(*kind, name.clone()));
            now.is_none_or(|now| now.object.uid != *uid || now.object.is_deleting)
        })
    }

    /// Returns all objects; `None` until all of these kinds are listed.
    pub(crate) fn all(&self, kinds: &[ObjectKind]) -> Option<ObjectList> {
        let inner = self.inner();
        if !kinds.iter().all(|kind| inner.listed.contains(kind)) {
            return None;
        }
        let mut list = ObjectList::default();
        for known in inner.objects.values() {
            list.objects.push(known.object.clone());
            list.metadata
                .push((known.finalizers.clone(), known.resource_version.clone()));
        }
        Some(list)
    }
}

fn key(object: &Object) -> Key {
    (object.kind, object.name.clone())
}

/// Returns whether `one` is an older version of the same object than `other`.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>
fn is_older(one: &CachedObject, other: &CachedObject) -> bool {
    one.object.uid == other.object.uid
        && version(&one.resource_version) < version(&other.resource_version)
}

fn version(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// Returns the object with its remembered status, if it is an IAMIdentityMapping.
fn with_remembered_status(mut new: CachedObject, before: Option<&CachedObject>) -> CachedObject {
    if new.object.kind == ObjectKind::IamIdentityMapping
        && let Some(before) = before.filter(|before| before.object.uid == new.object.uid)
    {
        new.object.status = before.object.status.clone();
    }
    new
}

fn has_remembered_status(known: &CachedObject) -> bool {
    let status = &known.object.status;
    known.object.kind == ObjectKind::IamIdentityMapping
        && (status.entry.is_some() || !status.pending.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_unknown_until_new_lists_are_complete() {
        const KINDS: [ObjectKind; 1] = [ObjectKind::AwsAuthMapping];
        let cache = Cache::default();
        let requests = cache.list_requests();
        let list = || {
            cache.list_started(KINDS[0]);
            cache.list_finished(KINDS[0]);
        };
        list();
        assert!(cache.all(&KINDS).is_some());
        cache.list_again();
        assert!(requests.has_changed().unwrap());
        assert!(cache.all(&KINDS).is_none());
        list();
        assert!(cache.all(&KINDS).is_some());
        // The same if the API server does not know the kind.
        cache.list_again();
        cache.kind_unknown(KINDS[0]);
        assert!(cache.all(&KINDS).is_some() && cache.is_unknown(KINDS[0]));
    }
}
