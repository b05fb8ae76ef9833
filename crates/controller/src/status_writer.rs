//! Writes status, finalizers and events of objects.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event as StoredEvent;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use super::cache::{Cache, Roll};
use super::convert::{FINALIZER, Known, known, status_patch};
use super::fault;
use super::watch::resource;
use awsauth_core::reconcile::{
    About, Event, EventKind, Object, ObjectKind, Preparation, State, Status,
};
use awsauth_kube::{CONTROLLER, NAME, NAMESPACE};

/// The maximum number of concurrent requests.
const AT_ONCE: usize = 8;
/// The timeout of one request.
const PATIENCE: Duration = Duration::from_secs(15);
/// The first and the longest wait after a failed request about an object.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// The maximum length of an event's note.
/// <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>
const NOTE: usize = 1000;
/// The namespace of events about cluster-scoped objects.
const NO_NAMESPACE: &str = "default";

/// Writes to objects; retries failures with increasing delays.
pub(crate) struct Recorder {
    client: Client,
    api: Api<DynamicObject>,
    cache: Arc<Cache>,
    instance: String,
    /// Failed objects by UID: the number of failures, and when to retry; `None` once the retry is due.
    failing: HashMap<String, (u32, Option<Instant>)>,
}

/// The pending writes of one object.
#[derive(Clone, Debug, Default)]
struct Writing {
    adds_finalizer: bool,
    removes_finalizer: bool,
    status: Option<Status>,
}

impl Recorder {
    /// `instance` is this replica.
    pub(crate) fn new(client: Client, cache: Arc<Cache>, instance: &str) -> Self {
        Self {
            api: Api::all_with(client.clone(), &resource(ObjectKind::AwsAuthMapping)),
            client,
            cache,
            instance: instance.to_owned(),
            failing: HashMap::new(),
        }
    }

    /// Carries out what has to be recorded before a write. The objects become what they are then. No more of it is begun once `enough`
    /// completes; says whether it came to the end.
    pub(crate) async fn prepare(
        &mut self,
        roll: &mut Roll,
        prepare: Vec<Preparation>,
        enough: impl Future<Output = ()>,
    ) -> bool {
        let work = prepare.into_iter().map(|preparation| {
            let writing = Writing {
                adds_finalizer: preparation.finalizer,
                removes_finalizer: false,
                status: preparation.status,
            };
            (preparation.object, writing)
        });
        self.write_all(roll, work.collect(), enough).await
    }

    /// Reports what came of a look. No more of it is begun once `enough` completes; says whether it came to the end.
    pub(crate) async fn report(
        &mut self,
        roll: &mut Roll,
        states: Vec<State>,
        enough: impl Future<Output = ()>,
    ) -> bool {
        let states = states.into_iter().enumerate();
        let work = states.filter_map(|(index, state)| {
            let object = &roll.objects[index];
            if object.kind == ObjectKind::IamIdentityMapping {
                if object.status != state.status || state.release {
                    self.cache.remember(object, &state.status, state.release);
                }
                return None;
            }
            let removes_finalizer = state.release && object.has_finalizer;
            // Who is let go needs no report, and may be gone before it comes.
            let goes = removes_finalizer && object.is_deleting;
            let status = Some(state.status).filter(|status| !goes && *status != object.status);
            let writing = Writing {
                adds_finalizer: false,
                removes_finalizer,
                status,
            };
            (removes_finalizer || writing.status.is_some()).then_some((index, writing))
        });
        let work = work.collect();
        let is_all = self.write_all(roll, work, enough).await;
        // What was due and did not fail again has nothing left to write.
        if is_all {
            self.failing.retain(|_, (_, until)| until.is_some());
        }
        is_all
    }

    /// When what failed is to be tried again.
    pub(crate) fn again(&self) -> Option<Instant> {
        self.failing.values().filter_map(|(_, until)| *until).min()
    }

    /// What has waited until now is due, and asked for no more.
    pub(crate) fn due(&mut self, now: Instant) {
        for (_, until) in self.failing.values_mut() {
            *until = until.filter(|until| *until > now);
        }
    }

    async fn write_all(
        &mut self,
        roll: &mut Roll,
        work: Vec<(usize, Writing)>,
        enough: impl Future<Output = ()>,
    ) -> bool {
        let now = Instant::now();
        let failing = &self.failing;
        let waits = |uid: &str| {
            let until = failing.get(uid).and_then(|(_, until)| *until);
            until.is_some_and(|until| until > now)
        };
        let work: Vec<_> = work
            .into_iter()
            .filter(|(index, _)| !waits(&roll.objects[*index].uid))
            .collect();
        let count = work.len();
        let known = &*roll;
        let (api, cache) = (&self.api, &self.cache);
        let work = stream::iter(work).take_until(enough);
        let written = work.map(|(index, writing)| async move {
            let object = &known.objects[index];
            let result = match (object.kind, &writing.status) {
                // Remembered only; there is nothing that could fail.
                (ObjectKind::IamIdentityMapping, Some(status)) => {
                    cache.remember(object, status, false);
                    let mut known = known.get(index);
                    known.object.status = status.clone();
                    Ok(Some(known))
                }
                _ => write(api, known.get(index), &writing).await,
            };
            // At once, so that what the watch brings of it is no news.
            if let (ObjectKind::AwsAuthMapping, Ok(Some(now))) = (object.kind, &result) {
                cache.put_own(now.clone());
            }
            (index, result)
        });
        let written: Vec<_> = written.buffer_unordered(AT_ONCE).collect().await;
        let is_all = written.len() == count;
        for (index, result) in written {
            let object = &roll.objects[index];
            match result {
                Ok(Some(now)) => {
                    self.failing.remove(&object.uid);
                    roll.set(index, now);
                }
                // It is gone, as the watch will say.
                Ok(None) => drop(self.failing.remove(&object.uid)),
                Err(error) => {
                    let (times, until) =
                        self.failing.entry(object.uid.clone()).or_insert((0, None));
                    let wait = WAITS.0.saturating_mul(1 << (*times).min(16)).min(WAITS.1);
                    *until = Some(Instant::now() + wait.mul_f64(0.8 + 0.4 * fastrand::f64()));
                    *times += 1;
                    warn!(
                        object = object.name,
                        error,
                        again_s = wait.as_secs(),
                        "cannot write about an object"
                    );
                }
            }
        }
        is_all
    }

    /// Tells events. What can't be told is in the log.
    pub(crate) async fn tell(&self, objects: &[Object], events: &[Event]) {
        stream::iter(events)
            .for_each_concurrent(AT_ONCE, |event| async move {
                let about = match event.about {
                    About::Object(index) => {
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
                    About::AwsAuth => aws_auth(),
                };
                self.event(about, event.kind, event.reason, &event.message)
                    .await;
            })
            .await;
    }

    /// Tells one event.
    pub(crate) async fn event(
        &self,
        about: ObjectReference,
        kind: EventKind,
        reason: &str,
        message: &str,
    ) {
        let now = Timestamp::now();
        let namespace = about.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| NO_NAMESPACE.to_owned());
        let name = about.name.clone().unwrap_or_default();
        let is_good = kind == EventKind::Normal;
        match is_good {
            true => debug!(about = name, reason, message, "event"),
            false => warn!(about = name, reason, message, "event"),
        }
        let event = StoredEvent {
            metadata: ObjectMeta {
                name: Some(format!("{name:.200}.{:016x}", fastrand::u64(..))),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            action: Some("Reconcile".to_owned()),
            event_time: Some(MicroTime(now)),
            note: Some(message.chars().take(NOTE).collect()),
            reason: Some(reason.to_owned()),
            regarding: Some(about),
            reporting_controller: Some(format!("awsauth.dev/{CONTROLLER}")),
            reporting_instance: Some(self.instance.chars().take(128).collect()),
            type_: Some(if is_good { "Normal" } else { "Warning" }.to_owned()),
            ..StoredEvent::default()
        };
        let api = Api::<StoredEvent>::namespaced(self.client.clone(), &namespace);
        let parameters = PostParams::default();
        match timeout(PATIENCE, api.create(&parameters, &event)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => debug!(error = fault::why(&error), "cannot emit an event"),
            Err(_) => debug!("an event was not accepted in time"),
        }
    }
}

/// aws-auth, as events name it.
pub(crate) fn aws_auth() -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("ConfigMap".to_owned()),
        name: Some(NAME.to_owned()),
        namespace: Some(NAMESPACE.to_owned()),
        ..ObjectReference::default()
    }
}

/// Writes about one object; `None` when it is gone.
async fn write(
    api: &Api<DynamicObject>,
    object: Known,
    writing: &Writing,
) -> Result<Option<Known>, String> {
    let (name, uid) = (object.object.name.clone(), object.object.uid.clone());
    let name = name.as_str();
    let mut now = object;
    if writing.adds_finalizer && !now.object.has_finalizer {
        let with = [now.finalizers.as_slice(), &[FINALIZER.to_owned()]].concat();
        match patch(api, name, &finalizers(&now, &with), false).await? {
            Some(patched) => now = patched,
            None => return Ok(None),
        }
    }
    if let Some(status) = &writing.status {
        let status = status_patch(&uid, status);
        match patch(api, name, &status, true).await? {
            Some(patched) => now = patched,
            None => return Ok(None),
        }
    }
    if writing.removes_finalizer {
        let mut without = now.finalizers.clone();
        without.retain(|name| name != FINALIZER);
        match patch(api, name, &finalizers(&now, &without), false).await? {
            Some(patched) => now = patched,
            None => return Ok(None),
        }
    }
    Ok(Some(now))
}

/// A merge patch knows lists only as a whole, so it holds for what was read alone.
fn finalizers(of: &Known, finalizers: &[String]) -> Value {
    json!({"metadata": {"resourceVersion": of.resource_version, "uid": of.object.uid, "finalizers": finalizers}})
}

async fn patch(
    api: &Api<DynamicObject>,
    name: &str,
    change: &Value,
    is_status: bool,
) -> Result<Option<Known>, String> {
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
    match timeout(PATIENCE, patched).await {
        Ok(Ok(object)) => Ok(Some(known(ObjectKind::AwsAuthMapping, object))),
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => Ok(None),
        Ok(Err(error)) => Err(fault::why(&error)),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}
