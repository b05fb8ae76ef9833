//! Checks that the API server enforces the webhook: sends an edit that must be refused, as a dry run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, StatusCode};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::client::Body;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::configuration::Seen;
use super::judge::Judge;
use super::served_certificate::Served;
use crate::{Running, fault};
use awsauth_core::admission::probe::{MANAGER, Outcome, WEBHOOK, forbidden};
use awsauth_kube::{CONTROLLER, NAME, NAMESPACE};

/// The interval between checks.
const PERIOD: Duration = Duration::from_secs(600);
/// How long to wait for the configuration.
const UNSEEN: Duration = Duration::from_secs(10);
/// The interval while edits are not judged.
const SOON: Duration = Duration::from_secs(60);
/// How long an answer may take: a webhook is given 3 s, and there may be others.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the API server may take to apply a changed configuration.
const SETTLE: Duration = Duration::from_millis(500);
/// What did not go well is tried again after so many seconds, before anybody is alarmed. At first a Service has no endpoints yet.
const FIRST: [u64; 6] = [1, 2, 4, 8, 15, 30];
/// The same after a successful check.
const LATER: [u64; 3] = [1, 2, 4];

/// Whether edits are known to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    NotYet,
    Enforced,
    /// Why not; a sentence.
    NotEnforced(String),
}

/// Checks at start, every ten minutes, and when the configuration changes, until shutdown.
pub(super) async fn repeat(
    running: Running,
    served: Arc<Served>,
    mut configuration: watch::Receiver<Seen>,
    judge: Judge,
) {
    let reporter = Reporter {
        controller: CONTROLLER.to_owned(),
        instance: None,
    };
    let recorder = Recorder::new(running.store.client().clone(), reporter);
    let mut prober = Prober {
        running: running.clone(),
        served,
        judge,
        recorder,
        state: State::NotYet,
    };
    loop {
        let seen = configuration.borrow_and_update().clone();
        let probed = async {
            // It may be that it can't be seen at all.
            if seen == Seen::NotYet {
                sleep(UNSEEN).await;
            }
            prober.probe(&seen).await;
            sleep(prober.pause()).await;
        };
        tokio::select! {
            () = running.stop.asked() => return,
            () = probed => {}
            changed = configuration.changed() => match changed {
                Ok(()) => sleep(SETTLE).await,
                // Nobody watches it any more: the process ends.
                Err(_) => return,
            },
        }
    }
}

struct Prober {
    running: Running,
    served: Arc<Served>,
    judge: Judge,
    recorder: Recorder,
    state: State,
}

/// The result of one attempt.
enum Attempt {
    Answer(Outcome),
    /// The API server gave no conclusive response. It may be down; then no edits are possible either.
    NoAnswer(String),
}

impl Prober {
    /// Returns the time until the next attempt.
    fn pause(&self) -> Duration {
        match self.state {
            State::Enforced => PERIOD,
            State::NotYet | State::NotEnforced(_) => SOON,
        }
    }

    async fn probe(&mut self, seen: &Seen) {
        let pauses: &[u64] = match self.state {
            State::Enforced => &LATER,
            State::NotYet | State::NotEnforced(_) => &FIRST,
        };
        let mut pauses = pauses.iter();
        loop {
            let before = self.judge.probes();
            let attempt = self.attempt().await;
            let was_heard = self.judge.probes() != before;
            let why = match attempt {
                Attempt::Answer(Outcome::Enforced) => return self.is(State::Enforced).await,
                Attempt::Answer(Outcome::LetThrough(said)) => {
                    let why = format!("every edit is let through: {said}");
                    return self.is(State::NotEnforced(why)).await;
                }
                Attempt::Answer(Outcome::Unknown(said)) => {
                    let why = format!(
                        "that can't be seen, as somebody else has refused the probe before we were asked: {said}"
                    );
                    return self.is(State::NotEnforced(why)).await;
                }
                Attempt::Answer(Outcome::NotEnforced) => Ok(self.cause(seen, was_heard)),
                Attempt::NoAnswer(why) => Err(why),
            };
            let Some(&pause) = pauses.next() else {
                match why {
                    Ok(why) => self.is(State::NotEnforced(why)).await,
                    Err(error) => warn!(error, "cannot check whether edits of aws-auth are judged"),
                }
                return;
            };
            sleep(Duration::from_secs(pause)).await;
        }
    }

    /// Asks the API server once to take the forbidden edit, without storing it.
    async fn attempt(&self) -> Attempt {
        let path = format!(
            "/api/v1/namespaces/{NAMESPACE}/configmaps/{NAME}?fieldManager={MANAGER}&dryRun=All&force=true"
        );
        let request = Request::builder()
            .method(Method::PATCH)
            .uri(path)
            .header("content-type", "application/apply-patch+yaml")
            .header("accept", "application/json")
            .body(Body::from(forbidden().to_string().into_bytes()));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Attempt::NoAnswer(error.to_string()),
        };
        let answered = async {
            let (head, body) = self
                .running
                .store
                .client()
                .send(request)
                .await?
                .into_parts();
            Ok::<_, kube::Error>((head, body.collect_bytes().await?))
        };
        let (head, body) = match timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Attempt::NoAnswer(fault::why(&error)),
            Err(_) => return Attempt::NoAnswer("the API server does not answer".to_owned()),
        };
        let said: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&body).unwrap_or_default();
        let message = said.get("message").and_then(|message| message.as_str());
        let message = message.unwrap_or_default();
        let status = head.status;
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Attempt::NoAnswer(format!("the API server answers {status}: {message}"));
        }
        let warnings = warnings(&head.headers);
        Attempt::Answer(Outcome::of(status.as_u16(), message, &warnings))
    }

    /// Why nobody asked us, as far as that can be seen from here.
    fn cause(&self, seen: &Seen, was_heard: bool) -> String {
        let settings = &self.running.settings;
        let port = settings.webhook_listen.port();
        match seen {
            Seen::NotYet => {
                "it can't be seen why: the controller needs to list and watch the ValidatingWebhookConfiguration awsauth-controller".to_owned()
            }
            Seen::Missing => {
                "there is no ValidatingWebhookConfiguration awsauth-controller: apply the manifests of the webhook".to_owned()
            }
            Seen::WithoutUs => format!(
                "the ValidatingWebhookConfiguration awsauth-controller has no webhook {WEBHOOK}: apply the manifests of the webhook"
            ),
            Seen::WithUs(_) if was_heard => {
                "the API server has asked, and did not take the answer: it came too late, or another replica's certificate is not trusted".to_owned()
            }
            Seen::WithUs(_) if seen.trusted().is_none_or(str::is_empty) => {
                "the webhook has no caBundle, so that the API server does not trust us: it is put in by the controller, which needs to patch it, or by cert-manager's cainjector".to_owned()
            }
            Seen::WithUs(_) if self.served.current().is_none() => {
                "there is no certificate to serve".to_owned()
            }
            Seen::WithUs(webhook) => {
                let rules = webhook.rules.as_ref().map_or(0, Vec::len);
                format!(
                    "the API server does not reach us, or its rules ({rules}) leave aws-auth out: on EKS the nodes' security group has to let the cluster's in on port {port}, and where the control plane can't reach pods, the webhook needs hostNetwork"
                )
            }
        }
    }

    /// Tells what was found, where it is news.
    async fn is(&mut self, state: State) {
        let is_enforced = state == State::Enforced;
        self.running
            .metrics
            .admission_enforced
            .set(i64::from(is_enforced));
        if self.state == state {
            return;
        }
        let (kind, reason, note) = match &state {
            State::NotEnforced(why) => {
                warn!(why, "edits of aws-auth are not judged");
                self.running
                    .health
                    .remarks("admission", format!("not enforced: {why}"));
                let note =
                    format!("Edits of aws-auth are not judged: {why}. See docs/admission.md");
                (EventType::Warning, "AdmissionNotEnforced", note)
            }
            State::Enforced | State::NotYet => {
                info!("edits of aws-auth are judged");
                self.running.health.remarks("admission", "enforced");
                let note = "Edits of aws-auth are judged".to_owned();
                (EventType::Normal, "AdmissionEnforced", note)
            }
        };
        // That all is well at the start is no news to anybody.
        if !(is_enforced && self.state == State::NotYet) {
            let event = Event {
                type_: kind,
                reason: reason.to_owned(),
                note: Some(short(note)),
                action: "Probe".to_owned(),
                secondary: None,
            };
            if let Err(error) = self.recorder.publish(&event, &aws_auth()).await {
                warn!(
                    error = fault::why(&error),
                    reason, "cannot tell it as an event"
                );
            }
        }
        self.state = state;
    }
}

fn aws_auth() -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("ConfigMap".to_owned()),
        name: Some(NAME.to_owned()),
        namespace: Some(NAMESPACE.to_owned()),
        ..ObjectReference::default()
    }
}

/// A note of at most the 1024 bytes that an event may have.
fn short(note: String) -> String {
    match note.len() {
        ..1024 => note,
        _ => note[..note.floor_char_boundary(1000)].to_owned(),
    }
}

/// The texts of an answer's warnings: `299 - "text"`.
/// <https://www.rfc-editor.org/rfc/rfc7234#section-5.5>
fn warnings(headers: &HeaderMap) -> Vec<String> {
    let all = headers.get_all("warning").iter();
    let texts = all.filter_map(|warning| {
        let text = String::from_utf8_lossy(warning.as_bytes()).into_owned();
        let text = text.split_once('"')?.1.trim_end().strip_suffix('"')?;
        Some(text.replace("\\\"", "\"").replace("\\\\", "\\"))
    });
    texts.collect()
}
