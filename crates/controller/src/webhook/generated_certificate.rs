//! Issues the webhook's certificate, and shares it between replicas in a Secret.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use super::certificate::ServerCertificate;
use super::rotation_step::{PublishedBundle, Step, StoredCertificates, next_step};
use super::served_certificate::ServedCertificate;
use super::validating_webhook_configuration::{ConfigurationState, set_ca_bundle};
use crate::describe_error::{self, describe_watch_error};
use crate::{Context, Settings};
use awsauth_kube::CONTROLLER;

/// The name of the Secret.
const SECRET: &str = "awsauth-controller-webhook-tls";
/// The type of the Secret: <https://kubernetes.io/docs/concepts/configuration/secret/#tls-secrets>
const TYPE: &str = "kubernetes.io/tls";

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITIES: &str = "ca.crt";
const NEXT_CERTIFICATE: &str = "next.crt";
const NEXT_KEY: &str = "next.key";

const RETRY_DELAY: Duration = Duration::from_secs(5);
/// The longest time between checks of the certificate.
const MAX_WAIT: Duration = Duration::from_secs(3600);
/// The minimum interval between updates of the CA bundle, after a burst of [`BURST`].
const MIN_INTERVAL: Duration = Duration::from_secs(30);
/// The number of updates that are made immediately.
const BURST: u32 = 3;

/// Issues, serves and renews the certificate until shutdown.
pub(super) async fn serve(
    context: Context,
    served: Arc<ServedCertificate>,
    mut configuration: watch::Receiver<ConfigurationState>,
) {
    let settings = &context.settings;
    let api: Api<Secret> = Api::namespaced(context.client.client().clone(), &settings.namespace);
    let mut changes = pin!(watcher::watch_object(api.clone(), SECRET).default_backoff());
    let mut secret = TlsSecret {
        names: names(settings),
        api,
        served,
        context: context.clone(),
        stored: None,
        last: None,
        published: PublishedBundle::default(),
        bundle_limit: RateLimit::default(),
    };
    let mut is_logged = false;
    let mut due = None;
    loop {
        let due_at = due.unwrap_or_else(|| Instant::now() + MAX_WAIT);
        tokio::select! {
            () = context.shutdown.requested() => return,
            change = changes.next() => match change {
                Some(Ok(stored)) => {
                    is_logged = false;
                    secret.stored = Some(stored);
                }
                Some(Err(error)) => {
                    if !is_logged {
                        error!(
                            error = describe_watch_error(&error),
                            "cannot watch the Secret {SECRET}"
                        );
                    }
                    is_logged = true;
                    continue;
                }
                None => return,
            },
            Ok(()) = configuration.changed() => {}
            () = sleep_until(due_at) => {}
        }
        let configuration = configuration.borrow_and_update().clone();
        due = secret.reconcile(&configuration).await;
    }
}

struct TlsSecret {
    /// The DNS names of the certificate.
    names: Vec<String>,
    api: Api<Secret>,
    served: Arc<ServedCertificate>,
    context: Context,
    /// The Secret; `None` until it is known, `Some(None)` if it does not exist.
    stored: Option<Option<Secret>>,
    /// The last valid content of the Secret.
    last: Option<StoredCertificates>,
    published: PublishedBundle,
    bundle_limit: RateLimit,
}

/// Limits updates of the CA bundle, which another client may keep reverting.
#[derive(Default)]
struct RateLimit {
    last: Option<Instant>,
    /// The number of updates with short intervals.
    count: u32,
}

impl RateLimit {
    /// Registers an update; if it must wait, returns until when.
    fn acquire(&mut self, now: Instant) -> Result<(), Instant> {
        let next = self.last.map(|last| last + MIN_INTERVAL);
        match next {
            Some(next) if self.count >= BURST && now < next => return Err(next),
            Some(next) if now < next + MIN_INTERVAL => self.count += 1,
            _ => self.count = 1,
        }
        self.last = Some(now);
        Ok(())
    }
}

impl TlsSecret {
    /// Makes the next step of the rotation, and returns when to check again.
    async fn reconcile(&mut self, configuration: &ConfigurationState) -> Option<Instant> {
        let now = Timestamp::now();
        self.published.update(configuration.trusted(), now);
        let secret = self.stored.clone()?;
        let stored = match secret.as_ref().map(parse) {
            None => None,
            Some(Ok(stored)) => Some(stored),
            Some(Err(why)) => {
                warn!(why, "the Secret {SECRET} is invalid; replacing it");
                None
            }
        };
        let last = self.last.clone().filter(|last| last.current.is_valid(now));
        if let (None, Some(last)) = (&stored, last) {
            info!("the Secret {SECRET} was deleted; replacing it and its certificate");
            return match ServerCertificate::issue(&self.names, now) {
                Ok(issued) => self.write(secret.as_ref(), &last.staged(issued)).await,
                Err(why) => failed(&why),
            };
        }
        if let Some(stored) = &stored {
            self.last = Some(stored.clone());
            // An expired certificate is better than none: the API server then reports the reason.
            if let Err(why) = self.served.set(&stored.current, &self.context) {
                warn!(why, "cannot serve the certificate of the Secret {SECRET}");
            }
        }
        let issue = || ServerCertificate::issue(&self.names, now);
        let next = match next_step(stored.as_ref(), &self.published, &self.names, now) {
            Step::Wait(at) => {
                let retry_at = match &stored {
                    Some(stored) => self.publish(stored, configuration).await,
                    None => None,
                };
                let at = at.map(|at| {
                    let left = now.duration_until(at).unsigned_abs().min(MAX_WAIT);
                    Instant::now() + left
                });
                return retry_at.into_iter().chain(at).min();
            }
            Step::Promote => stored.map(|stored| Ok(stored.promoted())),
            Step::Replace => Some(issue().map(StoredCertificates::first)),
            Step::Stage => stored.map(|stored| Ok(stored.staged(issue()?))),
        };
        match next? {
            Ok(next) => self.write(secret.as_ref(), &next).await,
            Err(why) => failed(&why),
        }
    }

    /// Writes the Secret. If several replicas write, the first one succeeds, and the others use what it wrote.
    async fn write(
        &mut self,
        stored: Option<&Secret>,
        next: &StoredCertificates,
    ) -> Option<Instant> {
        let manager = |name: String| PatchParams {
            field_manager: Some(name),
            ..PatchParams::default()
        };
        let written = match stored {
            None => {
                // RBAC can restrict server-side apply to one name, unlike create. The unique field manager makes a Secret that
                // another replica just created a conflict.
                let unique = format!("{CONTROLLER}-{:016x}", fastrand::u64(..));
                let secret = Patch::Apply(secret(&Secret::default(), next));
                self.api.patch(SECRET, &manager(unique), &secret).await
            }
            Some(stored) => {
                let params = PostParams {
                    field_manager: Some(CONTROLLER.to_owned()),
                    ..PostParams::default()
                };
                self.api
                    .replace(SECRET, &params, &secret(stored, next))
                    .await
            }
        };
        match written {
            Ok(written) => {
                info!(secret = SECRET, "stored a certificate");
                if let Err(why) = self.served.set(&next.current, &self.context) {
                    warn!(why, "cannot serve the certificate");
                }
                self.stored = Some(Some(written));
                Some(Instant::now())
            }
            // The watch reports what the other replica wrote.
            Err(kube::Error::Api(status)) if status.code == 409 => None,
            Err(error) => {
                error!(
                    error = describe_error::describe(&error),
                    "cannot write the Secret {SECRET}"
                );
                Some(Instant::now() + RETRY_DELAY)
            }
        }
    }

    /// Updates the CA bundle if it differs, and returns when to retry.
    async fn publish(
        &mut self,
        stored: &StoredCertificates,
        configuration: &ConfigurationState,
    ) -> Option<Instant> {
        let is_current = configuration.trusted() == Some(&stored.authorities);
        if is_current || !matches!(configuration, ConfigurationState::WithWebhook { .. }) {
            return None;
        }
        let now = Instant::now();
        if let Err(at) = self.bundle_limit.acquire(now) {
            return Some(at);
        }
        match set_ca_bundle(&self.context, configuration, &stored.authorities).await {
            Ok(()) => None,
            Err(error) => {
                error!(
                    error = describe_error::describe(&error),
                    "cannot update the CA bundle in the ValidatingWebhookConfiguration"
                );
                Some(now + RETRY_DELAY)
            }
        }
    }
}

fn failed(why: &str) -> Option<Instant> {
    error!(why, "cannot renew the certificate");
    Some(Instant::now() + RETRY_DELAY)
}

/// Returns the names under which the API server and, outside a cluster, users connect to the webhook.
fn names(settings: &Settings) -> Vec<String> {
    let service = format!("{}.{}.svc", settings.webhook_service, settings.namespace);
    let mut names = vec![format!("{service}.cluster.local"), service];
    let address = settings.webhook_listen.ip();
    if !address.is_unspecified() {
        names.push(address.to_string());
    }
    names
}

/// Parses the content of the Secret.
fn parse(secret: &Secret) -> Result<StoredCertificates, String> {
    let text = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key));
        bytes.and_then(|bytes| String::from_utf8(bytes.0.clone()).ok())
    };
    let certificate = |certificate: &str, key: &str| match (text(certificate), text(key)) {
        (Some(certificate), Some(key)) => ServerCertificate::parse(&certificate, &key),
        _ => Err(format!("{certificate} or {key} is missing")),
    };
    Ok(StoredCertificates {
        current: certificate(CERTIFICATE, KEY)?,
        next: certificate(NEXT_CERTIFICATE, NEXT_KEY).ok(),
        authorities: text(AUTHORITIES).ok_or(format!("{AUTHORITIES} is missing"))?,
    })
}

/// Returns the Secret with these certificates, and the other metadata as before.
fn secret(before: &Secret, new: &StoredCertificates) -> Secret {
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    let mut data = BTreeMap::from([
        (CERTIFICATE.to_owned(), bytes(&new.current.certificate)),
        (KEY.to_owned(), bytes(&new.current.key)),
        (AUTHORITIES.to_owned(), bytes(&new.authorities)),
    ]);
    if let Some(next) = &new.next {
        data.insert(NEXT_CERTIFICATE.to_owned(), bytes(&next.certificate));
        data.insert(NEXT_KEY.to_owned(), bytes(&next.key));
    }
    let mut labels = before.labels().clone();
    labels.insert(
        "app.kubernetes.io/managed-by".to_owned(),
        "awsauth".to_owned(),
    );
    Secret {
        metadata: ObjectMeta {
            name: Some(SECRET.to_owned()),
            labels: Some(labels),
            managed_fields: None,
            ..before.metadata.clone()
        },
        data: Some(data),
        // The type of an existing Secret is immutable.
        type_: Some(before.type_.clone().unwrap_or_else(|| TYPE.to_owned())),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_are_rate_limited_after_a_burst() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut limit = RateLimit::default();
        for now in [0, 1, 2] {
            assert_eq!(limit.acquire(at(now)), Ok(()));
        }
        assert_eq!(limit.acquire(at(3)), Err(at(32)));
        assert_eq!(limit.acquire(at(32)), Ok(()));
        assert_eq!(limit.acquire(at(33)), Err(at(62)));
        // After a pause, updates are immediate again.
        for now in [100, 101, 102] {
            assert_eq!(limit.acquire(at(now)), Ok(()));
        }
        assert_eq!(limit.acquire(at(103)), Err(at(132)));
    }
}
