//! The ValidatingWebhookConfiguration that registers the webhook. Users manage it; the controller only sets its CA bundle.

use std::pin::pin;

use futures::StreamExt;
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingWebhook, ValidatingWebhookConfiguration,
};
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::json;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{CONFIGURATION, handler, mapping_review};
use crate::Context;
use crate::describe_error::describe_watch_error;
use crate::flags::Settings;
use awsauth_core::admission::enforcement_probe::WEBHOOK;
use awsauth_kube::CONTROLLER;

/// The name of this part in [`Health`](crate::health::Health).
const PART: &str = "webhook configuration";

/// The name of the webhook that checks the objects that request mappings. It may be missing.
const MAPPINGS_WEBHOOK: &str = "mappings.awsauth.dev";

/// The last known state of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum ConfigurationState {
    #[default]
    Unknown,
    /// It does not exist.
    Missing,
    /// It exists without this webhook.
    WithoutWebhook,
    /// It exists with this webhook.
    WithWebhook {
        /// Its CA bundle is that of all webhooks of the controller, and empty if theirs differ.
        webhook: Box<ValidatingWebhook>,
        /// The webhook that checks the objects that request mappings, if any.
        mappings: Option<Box<ValidatingWebhook>>,
    },
}

impl ConfigurationState {
    fn checks_mappings(&self) -> bool {
        matches!(
            self,
            Self::WithWebhook {
                mappings: Some(_),
                ..
            }
        )
    }

    /// Returns why the API server does not call this webhook, if the configuration is the reason.
    pub(super) fn problem(&self, settings: &Settings) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Missing => Some(format!(
                "the ValidatingWebhookConfiguration {CONFIGURATION} does not exist: apply the manifests of the webhook"
            )),
            Self::WithoutWebhook => Some(format!(
                "the ValidatingWebhookConfiguration {CONFIGURATION} has no webhook {WEBHOOK}: apply the manifests of the webhook"
            )),
            Self::WithWebhook { webhook, mappings } => {
                let mappings = mappings
                    .as_ref()
                    .map(|mappings| (mappings, mapping_review::PATH));
                let mut webhooks = [(webhook, handler::PATH)].into_iter().chain(mappings);
                webhooks.find_map(|(webhook, path)| wrong_address(webhook, path, settings))
            }
        }
    }

    /// The CA bundle that the API server trusts, as PEM.
    pub(super) fn trusted(&self) -> Option<&str> {
        let Self::WithWebhook { webhook, .. } = self else {
            return None;
        };
        let bundle = webhook.client_config.ca_bundle.as_ref()?;
        std::str::from_utf8(&bundle.0).ok()
    }
}

/// Watches the configuration.
pub(super) async fn watch(context: Context, sender: watch::Sender<ConfigurationState>) {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(context.client.client().clone());
    let mut changes = pin!(watcher::watch_object(api, CONFIGURATION).default_backoff());
    let mut is_logged = false;
    context.health.set_not_ready(PART, "not read yet");
    loop {
        let change = tokio::select! {
            () = context.shutdown.requested() => return,
            change = changes.next() => change,
        };
        match change {
            Some(Ok(configuration)) => {
                is_logged = false;
                let state = state(configuration);
                let problem = state.problem(&context.settings);
                match &problem {
                    Some(why) => context.health.set_not_ready(PART, why.clone()),
                    None => context.health.set_ready(PART),
                }
                if !state.checks_mappings() && context.config.borrow().has_requesters() {
                    warn!(
                        "the ValidatingWebhookConfiguration {CONFIGURATION} has no webhook {MAPPINGS_WEBHOOK}, so the requesters of grants are not checked; install the overlay controller-requesters, or set webhook.requesters=true in the values of the chart"
                    );
                }
                let is_new = sender.send_if_modified(|known| {
                    let is_new = *known != state;
                    *known = state;
                    is_new
                });
                if let Some(why) = problem.filter(|_| is_new) {
                    warn!(why, "the API server does not call this webhook");
                }
            }
            Some(Err(error)) if !is_logged => {
                is_logged = true;
                let why = describe_watch_error(&error);
                // The API server may call the webhook nevertheless.
                context.health.set_info(PART, format!("unknown: {why}"));
                warn!(
                    error = why,
                    "cannot watch the ValidatingWebhookConfiguration {CONFIGURATION}"
                );
            }
            Some(Err(_)) => {}
            None => return,
        }
    }
}

fn state(configuration: Option<ValidatingWebhookConfiguration>) -> ConfigurationState {
    let Some(configuration) = configuration else {
        return ConfigurationState::Missing;
    };
    let webhooks = configuration.webhooks.unwrap_or_default();
    let named = |name| {
        webhooks
            .iter()
            .find(|webhook| webhook.name == name)
            .cloned()
    };
    let Some(mut webhook) = named(WEBHOOK) else {
        return ConfigurationState::WithoutWebhook;
    };
    let mappings = named(MAPPINGS_WEBHOOK);
    let bundle = |webhook: &ValidatingWebhook| webhook.client_config.ca_bundle.clone();
    if mappings
        .as_ref()
        .is_some_and(|mappings| bundle(mappings) != bundle(&webhook))
    {
        webhook.client_config.ca_bundle = None;
    }
    ConfigurationState::WithWebhook {
        webhook: Box::new(webhook),
        mappings: mappings.map(Box::new),
    }
}

/// Returns how the address that the API server calls differs from this webhook's. The host of a URL is not checked.
fn wrong_address(webhook: &ValidatingWebhook, path: &str, settings: &Settings) -> Option<String> {
    let config = &webhook.client_config;
    let called = match (&config.service, &config.url) {
        (Some(service), _) => {
            let (name, namespace) = (&settings.webhook_service, &settings.namespace);
            if (&service.name, &service.namespace) != (name, namespace) {
                return Some(format!(
                    "the webhook {} calls the Service {}/{} instead of {namespace}/{name}",
                    webhook.name, service.namespace, service.name
                ));
            }
            service.path.as_deref().unwrap_or("/").to_owned()
        }
        (None, Some(url)) => {
            let uri = url.parse::<http::Uri>().ok();
            uri.map_or_else(|| url.clone(), |uri| uri.path().to_owned())
        }
        (None, None) => return None,
    };
    (called != path).then(|| {
        format!(
            "the webhook {} calls the path {called} instead of {path}",
            webhook.name
        )
    })
}

/// Sets the CA bundle of the controller's webhooks and changes nothing else.
///
/// # Errors
/// If the API server rejects the change.
pub(super) async fn set_ca_bundle(
    context: &Context,
    configuration: &ConfigurationState,
    authorities: &str,
) -> Result<(), kube::Error> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(context.client.client().clone());
    // The API server merges webhooks by their names.
    // <https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/validating-webhook-configuration-v1/>
    let bundle = k8s_openapi::ByteString(authorities.as_bytes().to_vec());
    let names = [WEBHOOK, MAPPINGS_WEBHOOK].into_iter();
    let names = names.filter(|name| *name == WEBHOOK || configuration.checks_mappings());
    let webhooks: Vec<_> = names
        .map(|name| json!({"name": name, "clientConfig": {"caBundle": bundle}}))
        .collect();
    let patch = json!({"webhooks": webhooks});
    let params = PatchParams {
        field_manager: Some(CONTROLLER.to_owned()),
        ..PatchParams::default()
    };
    api.patch(CONFIGURATION, &params, &Patch::Strategic(patch))
        .await?;
    info!("updated the CA bundle in the ValidatingWebhookConfiguration {CONFIGURATION}");
    Ok(())
}
