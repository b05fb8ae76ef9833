//! Writes the status and the finalizer of objects, and emits events.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event as StoredEvent;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::cache::{Cache, ObjectList};
use super::convert::{CachedObject, cached_object, status_patch};
use super::describe_error;
use super::unparsed_mapping::{FINALIZER, MAX_FINALIZERS, UnparsedMapping};
use super::watch::resource;
use awsauth_core::escape::one_line;
use awsauth_core::reconcile::{
    Event, EventKind, Object, ObjectKind, ObjectReport, Preparation, Regarding, Status,
};
use awsauth_kube::{CONTROLLER, NAME, NAMESPACE};

/// The maximum number of concurrent requests.
const MAX_CONCURRENT: usize = 8;
/// The timeout of one request.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long requests may continue that were started before they had to stop. The API server takes long for an object of about the
/// largest size, and then refuses it.
const GRACE: Duration = Duration::from_secs(1);
/// The first and the longest delay after a failed request about an object.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// What etcd answers if an object is too large, which only a user can change.
/// <https://github.com/etcd-io/etcd/blob/v3.6.5/api/v3rpc/rpctypes/error.go>
const TOO_LARGE: &str = "request is too large";
/// The maximum length of an event's note in characters.
/// <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>
const MAX_NOTE: usize = 1000;
/// The namespace of events about cluster-scoped objects.
const DEFAULT_NAMESPACE: &str = "default";

/// Writes to objects, and retries failures with increasing delays.
pub(crate) struct ObjectWriter {
    client: Client,
    api: Api<UnparsedMapping>,
    cache: Arc<Cache>,
    /// The identity of this replica.
    instance: String,
    /// Failed objects by UID: the number of failures, and when to retry; `None` once the retry is due.
    failing: HashMap<String, (u32, Option<Instant>)>,
}

/// The pending writes of one object.
#[derive(Clone, Debug, Default)]
struct PendingWrite {
    adds_finalizer: bool,
    removes_finalizer: bool,
    status: Option<Status>,
}

impl ObjectWriter {
    pub(crate) fn new(client: Client, cache: Arc<Cache>, instance: &str) -> Self {
        Self {
            api: Api::all_with(client.clone(), &resource(ObjectKind::AwsAuthMapping)),
            client,
            cache,
            instance: instance.to_owned(),
            failing: HashMap::new(),
        }
    }

    /// Writes what must be recorded in objects before aws-auth is written, and updates `list`. Stops [`GRACE`] after `cancel` completes;
    /// returns whether all requests were made.
    pub(crate) async fn prepare(
        &mut self,
        list: &mut ObjectList,
        prepare: Vec<Preparation>,
        cancel: impl Future<Output = ()>,
    ) -> bool {
        let work = prepare.into_iter().map(|preparation| {
            let write = PendingWrite {
                adds_finalizer: preparation.finalizer,
                removes_finalizer: false,
                status: preparation.status,
            };
            (preparation.object, write)
        });
        self.write_all(list, work.collect(), cancel).await
    }

    /// Writes the results of a reconciliation to objects. Stops [`GRACE`] after `cancel` completes; returns whether all requests were
    /// made.
    pub(crate) async fn report(
        &mut self,
        list: &mut ObjectList,
        reports: Vec<ObjectReport>,
        cancel: impl Future<Output = ()>,
    ) -> bool {
        let reports = reports.into_iter().enumerate();
        let work = reports.filter_map(|(index, report)| {
            let object = &list.objects[index];
            if object.kind == ObjectKind::IamIdentityMapping {
                if object.status != report.status || report.remove_finalizer {
                    self.cache
                        .remember(object, &report.status, report.remove_finalizer);
                }
                return None;
            }
            let removes_finalizer = report.remove_finalizer && object.has_finalizer;
            // The API server deletes the object as soon as its finalizer is removed.
            let is_deleted = removes_finalizer && object.is_deleting;
            let status =
                Some(report.status).filter(|status| !is_deleted && *status != object.status);
            let write = PendingWrite {
                adds_finalizer: false,
                removes_finalizer,
                status,
            };
            (removes_finalizer || write.status.is_some()).then_some((index, write))
        });
        let work = work.collect();
        let is_complete = self.write_all(list, work, cancel).await;
        // Objects whose retry did not fail again are up to date.
        if is_complete {
            self.failing.retain(|_, (_, until)| until.is_some());
        }
        is_complete
    }

    /// Returns when the next retry is due.
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.failing.values().filter_map(|(_, until)| *until).min()
    }

    /// Allows the retries that are due now.
    pub(crate) fn start_retries(&mut self, now: Instant) {
        for (_, until) in self.failing.values_mut() {
            *until = until.filter(|until| *until > now);
        }
    }

    async fn write_all(
        &mut self,
        list: &mut ObjectList,
        work: Vec<(usize, PendingWrite)>,
        cancel: impl Future<Output = ()>,
    ) -> bool {
        let now = Instant::now();
        let failing = &self.failing;
        let waits = |uid: &str| {
            let until = failing.get(uid).and_then(|(_, until)| *until);
            until.is_some_and(|until| until > now)
        };
        let work = work.into_iter();
        let mut work: Vec<_> = work
            .filter(|(index, _)| !waits(&list.objects[*index].uid))
            .collect();
        // Users wait for the end of a deletion.
        work.sort_by_key(|(_, write)| !write.removes_finalizer);
        let count = work.len();
        let known = &*list;
        let (api, cache) = (&self.api, &self.cache);
        let cancel = cancel.shared();
        let work = stream::iter(work).take_until(cancel.clone());
        let in_flight = Mutex::new(HashSet::new());
        let in_flight_now = || in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        let written = work.map(|(index, pending)| async move {
            let object = &known.objects[index];
            in_flight_now().insert(index);
            let result = match (object.kind, &pending.status) {
                // Only remembered, without a request.
                (ObjectKind::IamIdentityMapping, Some(status)) => {
                    cache.remember(object, status, false);
                    let mut known = known.get(index);
                    known.object.status = status.clone();
                    Ok(Some(known))
                }
                _ => write(api, known.get(index), &pending).await,
            };
            // Before the watch event arrives, which would otherwise be a change.
            if let (ObjectKind::AwsAuthMapping, Ok(Some(new))) = (object.kind, &result) {
                cache.put_own(new.clone());
            }
            in_flight_now().remove(&index);
            (index, result)
        });
        let stop = cancel.then(|()| sleep(GRACE));
        let written = written.buffer_unordered(MAX_CONCURRENT);
        let written: Vec<_> = written.take_until(stop).collect().await;
        let is_complete = written.len() == count;
        let abandoned: Vec<usize> = in_flight_now().drain().collect();
        for index in abandoned {
            // It had too little time to count as a failure.
            let retry = Instant::now() + RETRY_DELAYS.0;
            let uid = list.objects[index].uid.clone();
            self.failing.entry(uid).or_insert((0, None)).1 = Some(retry);
        }
        for (index, result) in written {
            let object = &list.objects[index];
            match result {
                Ok(Some(new)) => {
                    self.failing.remove(&object.uid);
                    list.set(index, new);
                }
                // The object was deleted, which the watch will report.
                Ok(None) => drop(self.failing.remove(&object.uid)),
                Err(error) => {
                    let (failures, until) =
                        self.failing.entry(object.uid.clone()).or_insert((0, None));
                    let delay = RETRY_DELAYS.0.saturating_mul(1 << (*failures).min(16));
                    let delay = match error.contains(TOO_LARGE) {
                        true => RETRY_DELAYS.1,
                        false => delay.min(RETRY_DELAYS.1),
                    };
                    *until = Some(Instant::now() + delay.mul_f64(0.8 + 0.4 * fastrand::f64()));
                    *failures += 1;
                    warn!(
                        object = object.name,
                        error,
                        retry_s = delay.as_secs(),
                        "cannot write the status or the finalizer of an object"
                    );
                }
            }
        }
        is_complete
    }

    /// Emits events, and logs them.
    pub(crate) async fn emit(&self, objects: &[Object], events: &[Event]) {
        stream::iter(events)
            .for_each_concurrent(MAX_CONCURRENT, |event| async move {
                let regarding = match event.regarding {
                    Regarding::Object(index) => {
                        let object = &objects[index];
                        let kind = resource(object.kind);
                        ObjectReference {
                            api_version: Some(kind.api_version),
                            kind: Some(kind.kind),
                            name: Some(object.name.clone()),
                            uid: Some(object.uid.clone()),
                            ..ObjectReference::default()
                        }
                    }
                    Regarding::AwsAuth => aws_auth(),
                };
                self.event(regarding, event.kind, event.reason, &event.message)
                    .await;
            })
            .await;
    }

    /// Emits one event, and logs it.
    pub(crate) async fn event(
        &self,
        regarding: ObjectReference,
        kind: EventKind,
        reason: &str,
        message: &str,
    ) {
        let now = Timestamp::now();
        let namespace = regarding.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        let name = regarding.name.clone().unwrap_or_default();
        let is_normal = kind == EventKind::Normal;
        match is_normal {
            true => debug!(object = name, reason, note = message, "event"),
            false => warn!(object = name, reason, note = message, "event"),
        }
        let event = StoredEvent {
            metadata: ObjectMeta {
                name: Some(format!("{name:.200}.{:016x}", fastrand::u64(..))),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            action: Some("Reconcile".to_owned()),
            event_time: Some(MicroTime(now)),
            note: Some(one_line(message).chars().take(MAX_NOTE).collect()),
            reason: Some(reason.to_owned()),
            regarding: Some(regarding),
            reporting_controller: Some(format!("awsauth.dev/{CONTROLLER}")),
            reporting_instance: Some(self.instance.chars().take(128).collect()),
            type_: Some(if is_normal { "Normal" } else { "Warning" }.to_owned()),
            ..StoredEvent::default()
        };
        let api = Api::<StoredEvent>::namespaced(self.client.clone(), &namespace);
        let parameters = PostParams::default();
        match timeout(TIMEOUT, api.create(&parameters, &event)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => debug!(
                error = describe_error::describe(&error),
                "cannot emit an event"
            ),
            Err(_) => debug!("cannot emit an event: no response in time"),
        }
    }
}

/// Returns the reference of aws-auth in events.
pub(crate) fn aws_auth() -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("ConfigMap".to_owned()),
        name: Some(NAME.to_owned()),
        namespace: Some(NAMESPACE.to_owned()),
        ..ObjectReference::default()
    }
}

/// Writes to one object; `None` if it does not exist any more.
async fn write(
    api: &Api<UnparsedMapping>,
    object: CachedObject,
    pending: &PendingWrite,
) -> Result<Option<CachedObject>, String> {
    let (name, uid) = (object.object.name.clone(), object.object.uid.clone());
    let name = name.as_str();
    let mut now = object;
    if pending.adds_finalizer && !now.object.has_finalizer {
        let with = [known_finalizers(&now)?, &[FINALIZER.to_owned()]].concat();
        match patch(api, name, &finalizers(&now, &with), false).await? {
            Some(patched) => now = patched,
            None => return Ok(None),
        }
    }
    if let Some(status) = &pending.status {
        let status = status_patch(&uid, status);
        match patch(api, name, &status, true).await? {
            Some(patched) => now = patched,
            None => return Ok(None),
        }
    }
    if pending.removes_finalizer {
        let mut without = known_finalizers(&now)?.to_vec();
        without.retain(|name| name != FINALIZER);
        match patch(api, name, &finalizers(&now, &without), false).await? {
            Some(patched) => now = patched,
            None => return Ok(None),
        }
    }
    Ok(Some(now))
}

/// Returns the finalizers of an object.
fn known_finalizers(of: &CachedObject) -> Result<&[String], String> {
    let known = of.finalizers.as_deref();
    known.ok_or_else(|| {
        format!("it has more than {MAX_FINALIZERS} finalizers; remove those of other controllers")
    })
}

/// Returns a patch of the finalizers. A merge patch replaces the whole list, so it is valid only for this resourceVersion.
fn finalizers(of: &CachedObject, finalizers: &[String]) -> Value {
    json!({"metadata": {"resourceVersion": of.resource_version, "uid": of.object.uid, "finalizers": finalizers}})
}

async fn patch(
    api: &Api<UnparsedMapping>,
    name: &str,
    change: &Value,
    is_status: bool,
) -> Result<Option<CachedObject>, String> {
    let parameters = PatchParams {
        field_manager: Some(CONTROLLER.to_owned()),
        ..PatchParams::default()
    };
    let change = Patch::Merge(change);
    let patched = async {
        match is_status {
            true => api.patch_status(name, &parameters, &change).await,
            false => api.patch(name, &parameters, &change).await,
        }
    };
    match timeout(TIMEOUT, patched).await {
        Ok(Ok(object)) => Ok(Some(cached_object(ObjectKind::AwsAuthMapping, object))),
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => Ok(None),
        Ok(Err(error)) => Err(describe_error::describe(&error)),
        Err(_) => Err(format!("no response within {} s", TIMEOUT.as_secs())),
    }
}
