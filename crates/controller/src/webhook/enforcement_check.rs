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

use super::served_certificate::ServedCertificate;
use super::validating_webhook_configuration::ConfigurationState;
use super::validator::Validator;
use crate::{Context, describe_error};
use awsauth_core::admission::enforcement_probe::{MANAGER, Outcome, forbidden};
use awsauth_core::escape::one_line;
use awsauth_kube::{CONTROLLER, NAME, NAMESPACE};

/// The interval between checks.
const PERIOD: Duration = Duration::from_secs(600);
/// The interval while edits are not checked.
const PERIOD_NOT_ENFORCED: Duration = Duration::from_secs(60);
/// The timeout of the probe: the API server waits 3 s for a webhook, and there may be several.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long the API server may take to apply a changed configuration.
const SETTLE: Duration = Duration::from_millis(500);
/// The delays in seconds before retries, after which a failure is reported. At first, the Service has no endpoints yet.
const FIRST_RETRIES: [u64; 6] = [1, 2, 4, 8, 15, 30];
/// The same after a successful check.
const LATER_RETRIES: [u64; 3] = [1, 2, 4];

/// The last known result.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Enforced,
    /// Why not; a sentence.
    NotEnforced(String),
}

/// Checks at start, every ten minutes (every minute while edits are not checked), and when the configuration changes,
/// until shutdown.
pub(super) async fn repeat(
    context: Context,
    served: Arc<ServedCertificate>,
    mut configuration: watch::Receiver<ConfigurationState>,
    validator: Validator,
) {
    let reporter = Reporter {
        controller: CONTROLLER.to_owned(),
        instance: None,
    };
    let recorder = Recorder::new(context.client.client().clone(), reporter);
    context.health.set_info("admission", "not verified yet");
    let mut check = EnforcementCheck {
        context: context.clone(),
        served,
        validator,
        recorder,
        state: State::Unknown,
    };
    loop {
        let current = configuration.borrow_and_update().clone();
        let checked = async {
            check.run(&current).await;
            sleep(check.interval()).await;
        };
        tokio::select! {
            () = context.shutdown.requested() => return,
            () = checked => {}
            changed = configuration.changed() => match changed {
                Ok(()) => sleep(SETTLE).await,
                // The watch ended, because of shutdown.
                Err(_) => return,
            },
        }
    }
}

struct EnforcementCheck {
    context: Context,
    served: Arc<ServedCertificate>,
    validator: Validator,
    recorder: Recorder,
    state: State,
}

/// The result of one attempt.
enum Attempt {
    Response(Outcome),
    /// The API server gave no conclusive response. It may be down; then no edits are possible either.
    NoResponse(String),
}

impl EnforcementCheck {
    /// Returns the time until the next check.
    fn interval(&self) -> Duration {
        match self.state {
            State::Enforced => PERIOD,
            State::Unknown | State::NotEnforced(_) => PERIOD_NOT_ENFORCED,
        }
    }

    async fn run(&mut self, configuration: &ConfigurationState) {
        let delays: &[u64] = match self.state {
            State::Enforced => &LATER_RETRIES,
            State::Unknown | State::NotEnforced(_) => &FIRST_RETRIES,
        };
        // Retries do not help if the configuration is wrong. A change of it starts the next check.
        let problem = configuration.problem(&self.context.settings);
        let mut delays = delays.iter().filter(|_| problem.is_none());
        loop {
            let before = self.validator.probes();
            let attempt = self.attempt().await;
            let was_called = self.validator.probes() != before;
            let why = match attempt {
                Attempt::Response(Outcome::Enforced) => return self.report(State::Enforced).await,
                Attempt::Response(Outcome::Exempted(warning)) => {
                    let why = format!("every edit is allowed: {warning}");
                    return self.report(State::NotEnforced(why)).await;
                }
                Attempt::Response(Outcome::Unknown(message)) => {
                    let why = format!(
                        "cannot verify: another webhook, a policy or RBAC rejected the probe first: {message}"
                    );
                    return self.report(State::NotEnforced(why)).await;
                }
                Attempt::Response(Outcome::NotEnforced) => {
                    Ok(self.cause(configuration, was_called))
                }
                Attempt::NoResponse(why) => Err(why),
            };
            let Some(&delay) = delays.next() else {
                match why {
                    Ok(why) => self.report(State::NotEnforced(why)).await,
                    Err(error) => {
                        warn!(error, "cannot verify whether edits to aws-auth are checked")
                    }
                }
                return;
            };
            if let (State::Unknown, Ok(why) | Err(why)) = (&self.state, why) {
                let why = format!("not verified yet, trying again in {delay} s: {why}");
                self.context.health.set_info("admission", why);
            }
            sleep(Duration::from_secs(delay)).await;
        }
    }

    /// Sends the forbidden edit once, as a dry run.
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
            Err(error) => return Attempt::NoResponse(error.to_string()),
        };
        let response = async {
            let (head, body) = self
                .context
                .client
                .client()
                .send(request)
                .await?
                .into_parts();
            Ok::<_, kube::Error>((head, body.collect_bytes().await?))
        };
        let (head, body) = match timeout(TIMEOUT, response).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Attempt::NoResponse(describe_error::describe(&error)),
            Err(_) => return Attempt::NoResponse("the API server does not respond".to_owned()),
        };
        let status_object: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&body).unwrap_or_default();
        let message = status_object
            .get("message")
            .and_then(|message| message.as_str());
        let message = message.unwrap_or_default();
        let status = head.status;
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Attempt::NoResponse(format!(
                "the API server responds with {status}: {message}"
            ));
        }
        let warnings = warnings(&head.headers);
        Attempt::Response(Outcome::of(status.as_u16(), message, &warnings))
    }

    /// Returns the most likely reason why the API server does not call the webhook.
    fn cause(&self, configuration: &ConfigurationState, was_called: bool) -> String {
        let settings = &self.context.settings;
        let port = settings.webhook_listen.port();
        if let Some(problem) = configuration.problem(settings) {
            return problem;
        }
        let ConfigurationState::WithWebhook { webhook, .. } = configuration else {
            return "unknown cause: the controller has no permission to list and watch the ValidatingWebhookConfiguration awsauth-controller".to_owned();
        };
        if was_called {
            return "the API server called the webhook, but ignored the response: it was too late, or another replica's certificate is not trusted".to_owned();
        }
        if configuration.trusted().is_none_or(str::is_empty) {
            return "the webhook has no caBundle, so the API server does not trust its certificate: the controller sets it if it has the permission to patch the ValidatingWebhookConfiguration, or cert-manager's cainjector does".to_owned();
        }
        if self.served.current().is_none() {
            return "there is no certificate to serve".to_owned();
        }
        let rules = webhook.rules.as_ref().map_or(0, Vec::len);
        format!(
            "the API server cannot reach the webhook, or the webhook's rules ({rules}) do not match aws-auth: on EKS, the security group of the nodes must allow port {port} from the cluster's security group; if the control plane cannot reach pods, set hostNetwork"
        )
    }

    /// Reports the state in the metrics and, if it changed, in the log, `/readyz` and an event.
    async fn report(&mut self, state: State) {
        let is_enforced = state == State::Enforced;
        self.context
            .metrics
            .admission_enforced
            .set(i64::from(is_enforced));
        if self.state == state {
            return;
        }
        let (kind, reason, note) = match &state {
            State::NotEnforced(why) => {
                warn!(why, "edits to aws-auth are not checked");
                self.context
                    .health
                    .set_info("admission", format!("not enforced: {why}"));
                let note =
                    format!("Edits to aws-auth are not checked: {why}. See docs/admission.md");
                (EventType::Warning, "AdmissionNotEnforced", note)
            }
            State::Enforced | State::Unknown => {
                info!("edits to aws-auth are checked");
                self.context.health.set_info("admission", "enforced");
                let note = "Edits to aws-auth are checked".to_owned();
                (EventType::Normal, "AdmissionEnforced", note)
            }
        };
        // Success at the start needs no event.
        if !(is_enforced && self.state == State::Unknown) {
            let event = Event {
                type_: kind,
                reason: reason.to_owned(),
                note: Some(truncated(one_line(&note).into_owned())),
                action: "Probe".to_owned(),
                secondary: None,
            };
            if let Err(error) = self.recorder.publish(&event, &aws_auth()).await {
                warn!(
                    error = describe_error::describe(&error),
                    reason, "cannot emit an event"
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

/// Truncates a note to the 1024 bytes that an event can have.
fn truncated(note: String) -> String {
    match note.len() {
        ..1024 => note,
        _ => note[..note.floor_char_boundary(1000)].to_owned(),
    }
}

/// Returns the warnings of a response: `299 - "text"`.
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
