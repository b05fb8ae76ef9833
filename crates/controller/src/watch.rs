//! The watches: one on exactly aws-auth, one on all objects of each kind.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff as ResettableBackoff;
use kube::runtime::watcher::{Config, Error, Event, watcher};
use tokio::sync::watch::{self, Receiver};
use tracing::{info, warn};

use super::Context;
use super::cache::Cache;
use super::convert::cached_object;
use super::crd::AwsAuthMapping;
use super::describe_error::describe_watch_error;
use super::unparsed_mapping::UnparsedMapping;
use awsauth_core::reconcile::ObjectKind;
use awsauth_kube::backoff::Backoff;
use awsauth_kube::{Live, NAME, NAMESPACE};

/// The page size of a list, and so the number of objects that are held twice at a time. An object has up to 1.5 MiB,
/// the limit of etcd, and a user may use all of it, for example for labels. A response of more than 32 MiB is refused.
const PAGE: u32 = 20;
/// The name of this part in [`Health`](super::health::Health).
const AWS_AUTH: &str = "aws-auth";

/// Watches aws-auth.
pub(crate) async fn aws_auth(context: Context, cache: Arc<Cache>) {
    context.health.set_not_ready(AWS_AUTH, "not read yet");
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "ConfigMap"));
    let client = context.client.client().clone();
    let api = Api::<DynamicObject>::namespaced_with(client, NAMESPACE, &kind);
    let only = Config::default().fields(&format!("metadata.name={NAME}"));
    let mut exists = false;
    let mut handle = |event| match event {
        Event::Init => exists = false,
        Event::InitApply(object) | Event::Apply(object) => {
            exists = true;
            cache.put_aws_auth(&live(&object));
        }
        Event::InitDone => {
            if !exists {
                cache.put_aws_auth(&Live::missing());
            }
        }
        Event::Delete(object) => cache.remove_aws_auth(&live(&object)),
    };
    // What the watch reports of a deletion, a new list would miss.
    let (_never, restarts) = watch::channel(0);
    let events = || watcher(api.clone(), only.clone());
    follow(&context, AWS_AUTH, events, restarts, &mut handle, &|| {}).await;
}

/// Watches the objects of a kind.
pub(crate) async fn objects(context: Context, cache: Arc<Cache>, kind: ObjectKind) {
    let part = kind.name();
    context.health.set_not_ready(part, "not listed yet");
    let client = context.client.client().clone();
    let api = Api::<UnparsedMapping>::all_with(client, &resource(kind));
    let all = Config::default().page_size(PAGE);
    let mut handle = |event| match event {
        Event::Init => cache.list_started(kind),
        Event::InitApply(object) => cache.list_item(cached_object(kind, object)),
        Event::InitDone => cache.list_finished(kind),
        Event::Apply(object) => cache.put(cached_object(kind, object)),
        Event::Delete(object) => {
            let metadata = object.metadata;
            let (name, uid) = (metadata.name.unwrap_or_default(), metadata.uid);
            cache.remove(kind, &name, &uid.unwrap_or_default());
        }
    };
    let kind_unknown = || cache.kind_unknown(kind);
    let events = || watcher(api.clone(), all.clone());
    let restarts = cache.list_requests();
    follow(&context, part, events, restarts, &mut handle, &kind_unknown).await;
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

/// Handles the events of a watch until shutdown. Retries after errors, and logs each error once; starts again with a new list for each
/// of `restarts`. Calls `kind_unknown` if the API server does not know the kind.
async fn follow<K, S: Stream<Item = Result<Event<K>, Error>>>(
    context: &Context,
    part: &'static str,
    start: impl Fn() -> S,
    mut restarts: Receiver<u64>,
    handle: &mut (dyn FnMut(Event<K>) + Send),
    kind_unknown: &(dyn Fn() + Sync),
) {
    // By default, kube waits up to 30 s. A changed aws-auth must not stay unnoticed that long after a restart of the API server.
    let start = || start().backoff(WatchBackoff(Backoff::default()));
    let mut events = std::pin::pin!(start());
    let mut last_error = String::new();
    loop {
        let next = tokio::select! {
            // A list that began before the request must not end after it.
            biased;
            () = context.shutdown.requested() => return,
            Ok(()) = restarts.changed() => {
                events.set(start());
                continue;
            }
            next = events.next() => next,
        };
        match next {
            Some(Ok(event)) => {
                if matches!(event, Event::InitDone) {
                    context.health.set_ready(part);
                    info!(what = part, "listed; watching for changes");
                    last_error.clear();
                }
                handle(event);
            }
            Some(Err(error)) => {
                let why = describe(part, &error);
                if is_kind_unknown(&error) {
                    // The webhook works without the kind, but its Service only sends requests to ready pods.
                    context.health.set_info(part, why.clone());
                    kind_unknown();
                }
                if why != last_error {
                    warn!(
                        what = part,
                        error = why,
                        "the watch was interrupted; retrying"
                    );
                    last_error = why;
                }
            }
            None => return,
        }
    }
}

/// The delays of a watch that fails. kube resets them with the first event.
struct WatchBackoff(Backoff);

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.0.next_wait())
    }
}

impl ResettableBackoff for WatchBackoff {
    fn reset(&mut self) {
        self.0 = Backoff::default();
    }
}

/// Returns whether the API server does not know the kind.
fn is_kind_unknown(error: &Error) -> bool {
    matches!(
        error,
        Error::InitialListFailed(kube::Error::Api(status))
        | Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 404
    )
}

/// Returns why a watch failed, and a hint if there is one.
fn describe(part: &str, error: &Error) -> String {
    if is_kind_unknown(error) && part != AWS_AUTH {
        let hint = match part == ObjectKind::AwsAuthMapping.name() {
            true => "install it: awsauth crd | kubectl apply --server-side -f -",
            false => "install it, or remove --iam-identity-mappings",
        };
        return format!("the cluster has no CustomResourceDefinition of {part}; {hint}");
    }
    describe_watch_error(error)
}

fn live(object: &DynamicObject) -> Live {
    serde_json::to_value(object).map_or_else(|_| Live::missing(), Live::stored)
}
