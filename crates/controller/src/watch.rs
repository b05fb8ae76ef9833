//! The watches: one on exactly aws-auth, one on all objects of each kind.

use std::sync::Arc;

use futures::{Stream, StreamExt};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Error, Event, watcher};
use tracing::{info, warn};

use super::Running;
use super::cache::Cache;
use super::convert::known;
use super::crd::AwsAuthMapping;
use super::fault::why_no_watch;
use awsauth_core::reconcile::ObjectKind;
use awsauth_kube::{Live, NAME, NAMESPACE};

/// The page size of a list, and so the number of objects that are held twice at a time.
const PAGE: u32 = 250;
/// The name of this part in [`Health`](super::health::Health).
const AWS_AUTH: &str = "aws-auth";

/// Watches aws-auth.
pub(crate) async fn aws_auth(running: Running, cache: Arc<Cache>) {
    running.health.needs(AWS_AUTH, "not read yet");
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "ConfigMap"));
    let client = running.store.client().clone();
    let api = Api::<DynamicObject>::namespaced_with(client, NAMESPACE, &kind);
    let only = Config::default().fields(&format!("metadata.name={NAME}"));
    let mut is_there = false;
    let mut take = |event| match event {
        Event::Init => is_there = false,
        Event::InitApply(object) | Event::Apply(object) => {
            is_there = true;
            cache.put_aws_auth(&live(&object));
        }
        Event::InitDone => {
            if !is_there {
                cache.put_aws_auth(&Live::missing());
            }
        }
        Event::Delete(object) => {
            let (uid, at) = (object.metadata.uid, object.metadata.resource_version);
            cache.remove_aws_auth(uid.as_deref(), at.as_deref());
        }
    };
    follow(&running, AWS_AUTH, watcher(api, only), &mut take, &|| {}).await;
}

/// Watches the objects of a kind.
pub(crate) async fn objects(running: Running, cache: Arc<Cache>, kind: ObjectKind) {
    let part = kind.name();
    running.health.needs(part, "not listed yet");
    let client = running.store.client().clone();
    let api = Api::<DynamicObject>::all_with(client, &resource(kind));
    let all = Config::default().page_size(PAGE);
    let mut take = |event| match event {
        Event::Init => cache.begin(kind),
        Event::InitApply(object) => cache.list(known(kind, object)),
        Event::InitDone => cache.listed(kind),
        Event::Apply(object) => cache.put(known(kind, object)),
        Event::Delete(object) => {
            let metadata = object.metadata;
            let (name, uid) = (metadata.name.unwrap_or_default(), metadata.uid);
            cache.remove(kind, &name, &uid.unwrap_or_default());
        }
    };
    let none = || cache.lists_none(kind);
    follow(&running, part, watcher(api, all), &mut take, &none).await;
}

/// Returns the kind's API resource.
pub(crate) fn resource(kind: ObjectKind) -> ApiResource {
    match kind {
        ObjectKind::AwsAuthMapping => ApiResource::erase::<AwsAuthMapping>(&()),
        ObjectKind::IamIdentityMapping => {
            let kind =
                GroupVersionKind::gvk("iamauthenticator.k8s.aws", "v1alpha1", "IAMIdentityMapping");
            ApiResource::from_gvk_with_plural(&kind, "iamidentitymappings")
        }
    }
}

/// Takes what the watch brings until the process ends. What goes wrong is said once, and tried again; `none` is told that the cluster
/// knows no such kind.
async fn follow(
    running: &Running,
    part: &'static str,
    events: impl Stream<Item = Result<Event<DynamicObject>, Error>>,
    take: &mut (dyn FnMut(Event<DynamicObject>) + Send),
    none: &(dyn Fn() + Sync),
) {
    let mut events = std::pin::pin!(events.default_backoff());
    let mut told = String::new();
    loop {
        let next = tokio::select! {
            () = running.stop.asked() => return,
            next = events.next() => next,
        };
        match next {
            Some(Ok(event)) => {
                if matches!(event, Event::InitDone) {
                    running.health.is_ready(part);
                    info!(what = part, "listed; watching from here on");
                    told.clear();
                }
                take(event);
            }
            Some(Err(error)) => {
                let why = why(part, &error);
                if is_unknown(&error) {
                    // The webhook can do without, and its Service takes only who is ready.
                    running.health.remarks(part, why.clone());
                    none();
                }
                if why != told {
                    warn!(
                        what = part,
                        error = why,
                        "the watch was interrupted; retrying"
                    );
                    told = why;
                }
            }
            None => return,
        }
    }
}

/// Returns whether the API server does not know the kind.
fn is_unknown(error: &Error) -> bool {
    matches!(
        error,
        Error::InitialListFailed(kube::Error::Api(status))
        | Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 404
    )
}

/// Returns why a watch failed, and a hint if there is one.
fn why(part: &str, error: &Error) -> String {
    if is_unknown(error) && part != AWS_AUTH {
        let help = match part == ObjectKind::AwsAuthMapping.name() {
            true => "make it known: awsauth crd | kubectl apply --server-side -f -",
            false => "install its CustomResourceDefinition, or leave out --iam-identity-mappings",
        };
        return format!("the cluster knows no {part}; {help}");
    }
    why_no_watch(error)
}

/// The ConfigMap, as all else reads it.
fn live(object: &DynamicObject) -> Live {
    serde_json::to_value(object).map_or_else(|_| Live::missing(), Live::stored)
}
