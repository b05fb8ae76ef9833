//! The certificate that the replicas generate and share in a Secret.

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

use super::certificate::Pair;
use super::configuration::{Seen, tell};
use super::rotation::{Kept, Published, Step, step};
use super::served_certificate::Served;
use crate::fault::{self, why_no_watch};
use crate::{Running, Settings};
use awsauth_kube::CONTROLLER;

/// The Secret's name.
const SECRET: &str = "awsauth-controller-webhook-tls";
/// Its type: <https://kubernetes.io/docs/concepts/configuration/secret/#tls-secrets>
const TYPE: &str = "kubernetes.io/tls";

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITIES: &str = "ca.crt";
const NEXT_CERTIFICATE: &str = "next.crt";
const NEXT_KEY: &str = "next.key";

/// The delay before a retry.
const AGAIN: Duration = Duration::from_secs(5);
/// How long it may take until what ends later is looked at.
const LONGEST: Duration = Duration::from_secs(3600);
/// Somebody who takes the authority away again and again is answered once in so long.
const SELDOM: Duration = Duration::from_secs(30);
/// So often it is put back at once.
const OFTEN: u32 = 3;

/// Generates, serves and renews the certificate until shutdown.
pub(super) async fn keep(
    running: Running,
    served: Arc<Served>,
    mut configuration: watch::Receiver<Seen>,
) {
    let settings = &running.settings;
    let api: Api<Secret> = Api::namespaced(running.store.client().clone(), &settings.namespace);
    let mut changes = pin!(watcher::watch_object(api.clone(), SECRET).default_backoff());
    let mut keeper = Keeper {
        names: names(settings),
        api,
        served,
        running: running.clone(),
        stored: None,
        last: None,
        published: Published::default(),
        told: Told::default(),
    };
    let mut is_told = false;
    let mut due = None;
    loop {
        let due_at = due.unwrap_or_else(|| Instant::now() + LONGEST);
        tokio::select! {
            () = running.stop.asked() => return,
            change = changes.next() => match change {
                Some(Ok(secret)) => {
                    is_told = false;
                    keeper.stored = Some(secret);
                }
                Some(Err(error)) => {
                    if !is_told {
                        error!(
                            error = why_no_watch(&error),
                            "cannot watch the Secret {SECRET}"
                        );
                    }
                    is_told = true;
                    continue;
                }
                None => return,
            },
            Ok(()) = configuration.changed() => {}
            () = sleep_until(due_at) => {}
        }
        let seen = configuration.borrow_and_update().clone();
        due = keeper.look(&seen).await;
    }
}

struct Keeper {
    /// The DNS names of the certificate.
    names: Vec<String>,
    api: Api<Secret>,
    served: Arc<Served>,
    running: Running,
    /// The Secret, as far as it is known.
    stored: Option<Option<Secret>>,
    /// Its last stored content.
    last: Option<Kept>,
    /// The CA bundle in the configuration.
    published: Published,
    told: Told,
}

/// When the API server was told whom to trust.
#[derive(Default)]
struct Told {
    last: Option<Instant>,
    /// How often in a row, with little time in between.
    times: u32,
}

impl Told {
    /// It is told now; or else when it is time again.
    fn tells(&mut self, now: Instant) -> Result<(), Instant> {
        let again = self.last.map(|last| last + SELDOM);
        match again {
            Some(again) if self.times >= OFTEN && now < again => return Err(again),
            Some(again) if now < again + SELDOM => self.times += 1,
            _ => self.times = 1,
        }
        self.last = Some(now);
        Ok(())
    }
}

impl Keeper {
    /// Does what is to be done, and says when to look again.
    async fn look(&mut self, seen: &Seen) -> Option<Instant> {
        let now = Timestamp::now();
        self.published.see(seen.trusted(), now);
        let stored = self.stored.clone()?;
        let kept = match stored.as_ref().map(read) {
            None => None,
            Some(Ok(kept)) => Some(kept),
            Some(Err(why)) => {
                warn!(
                    why,
                    "the Secret {SECRET} can't be used, and is written anew"
                );
                None
            }
        };
        let last = self.last.clone().filter(|last| last.current.counts(now));
        if let (None, Some(last)) = (&kept, last) {
            info!(
                "another certificate takes the place of the one that is served, whose Secret {SECRET} is gone"
            );
            return match Pair::make(&self.names, now) {
                Ok(made) => self.write(stored.as_ref(), &last.staged(made)).await,
                Err(why) => failed(&why),
            };
        }
        if let Some(kept) = &kept {
            self.last = Some(kept.clone());
            // What has ended is better than nothing: the API server says why it does not take it.
            if let Err(why) = self.served.serve(&kept.current, &self.running) {
                warn!(why, "cannot serve the certificate of the Secret {SECRET}");
            }
        }
        let next = match step(kept.as_ref(), &self.published, &self.names, now) {
            Step::Wait(at) => {
                let told = match &kept {
                    Some(kept) => self.tell(kept, seen).await,
                    None => None,
                };
                let at = at.map(|at| {
                    let left = now.duration_until(at).unsigned_abs().min(LONGEST);
                    Instant::now() + left
                });
                return told.into_iter().chain(at).min();
            }
            Step::Promote => kept.map(|kept| Ok(kept.promoted())),
            Step::Make => Some(Pair::make(&self.names, now).map(Kept::first)),
            Step::Stage => kept.map(|kept| Ok(kept.staged(Pair::make(&self.names, now)?))),
        };
        match next? {
            Ok(next) => self.write(stored.as_ref(), &next).await,
            Err(why) => failed(&why),
        }
    }

    /// Writes what is kept from now on. Of several replicas one comes first; the others see what it has written.
    async fn write(&mut self, stored: Option<&Secret>, next: &Kept) -> Option<Instant> {
        let manager = |name: String| PatchParams {
            field_manager: Some(name),
            ..PatchParams::default()
        };
        let written = match stored {
            None => {
                // Made by server-side apply, which RBAC can allow by name; and by nobody's manager, so that what another one has
                // just made is a conflict.
                let only = format!("{CONTROLLER}-{:016x}", fastrand::u64(..));
                let secret = Patch::Apply(secret(&Secret::default(), next));
                self.api.patch(SECRET, &manager(only), &secret).await
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
                info!(secret = SECRET, "a certificate is kept");
                if let Err(why) = self.served.serve(&next.current, &self.running) {
                    warn!(why);
                }
                self.stored = Some(Some(written));
                Some(Instant::now())
            }
            // The watch brings what the other one wrote.
            Err(kube::Error::Api(status)) if status.code == 409 => None,
            Err(error) => {
                error!(
                    error = fault::why(&error),
                    "cannot write the Secret {SECRET}"
                );
                Some(Instant::now() + AGAIN)
            }
        }
    }

    /// Tells the API server whom to trust, where it is told otherwise.
    async fn tell(&mut self, kept: &Kept, seen: &Seen) -> Option<Instant> {
        if !matches!(seen, Seen::WithUs(_)) || seen.trusted() == Some(&kept.authorities) {
            return None;
        }
        let now = Instant::now();
        if let Err(at) = self.told.tells(now) {
            return Some(at);
        }
        match tell(&self.running, &kept.authorities).await {
            Ok(()) => None,
            Err(error) => {
                error!(
                    error = fault::why(&error),
                    "cannot tell the API server whom to trust"
                );
                Some(now + AGAIN)
            }
        }
    }
}

fn failed(why: &str) -> Option<Instant> {
    error!(why);
    Some(Instant::now() + AGAIN)
}

/// What the API server and people at a desk call the webhook.
fn names(settings: &Settings) -> Vec<String> {
    let service = format!("{}.{}.svc", settings.webhook_service, settings.namespace);
    let mut names = vec![format!("{service}.cluster.local"), service];
    let address = settings.webhook_listen.ip();
    if !address.is_unspecified() {
        names.push(address.to_string());
    }
    names
}

/// What a Secret keeps.
fn read(secret: &Secret) -> Result<Kept, String> {
    let text = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key));
        bytes.and_then(|bytes| String::from_utf8(bytes.0.clone()).ok())
    };
    let pair = |certificate: &str, key: &str| match (text(certificate), text(key)) {
        (Some(certificate), Some(key)) => Pair::read(&certificate, &key),
        _ => Err(format!("{certificate} and {key} are not both there")),
    };
    Ok(Kept {
        current: pair(CERTIFICATE, KEY)?,
        next: pair(NEXT_CERTIFICATE, NEXT_KEY).ok(),
        authorities: text(AUTHORITIES).ok_or(format!("{AUTHORITIES} is not there"))?,
    })
}

/// The Secret that keeps it.
fn secret(stored: &Secret, kept: &Kept) -> Secret {
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    let mut data = BTreeMap::from([
        (CERTIFICATE.to_owned(), bytes(&kept.current.certificate)),
        (KEY.to_owned(), bytes(&kept.current.key)),
        (AUTHORITIES.to_owned(), bytes(&kept.authorities)),
    ]);
    if let Some(next) = &kept.next {
        data.insert(NEXT_CERTIFICATE.to_owned(), bytes(&next.certificate));
        data.insert(NEXT_KEY.to_owned(), bytes(&next.key));
    }
    let mut labels = stored.labels().clone();
    labels.insert(
        "app.kubernetes.io/managed-by".to_owned(),
        "awsauth".to_owned(),
    );
    Secret {
        metadata: ObjectMeta {
            name: Some(SECRET.to_owned()),
            labels: Some(labels),
            managed_fields: None,
            ..stored.metadata.clone()
        },
        data: Some(data),
        // The type of one that is there can't change.
        type_: Some(stored.type_.clone().unwrap_or_else(|| TYPE.to_owned())),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_it_away_again_and_again_is_answered_seldom() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut told = Told::default();
        for now in [0, 1, 2] {
            assert_eq!(told.tells(at(now)), Ok(()));
        }
        assert_eq!(told.tells(at(3)), Err(at(32)));
        assert_eq!(told.tells(at(32)), Ok(()));
        assert_eq!(told.tells(at(33)), Err(at(62)));
        // After some peace it is answered at once again.
        for now in [100, 101, 102] {
            assert_eq!(told.tells(at(now)), Ok(()));
        }
        assert_eq!(told.tells(at(103)), Err(at(132)));
    }
}
