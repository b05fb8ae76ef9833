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

use super::CONFIGURATION;
use crate::Context;
use crate::describe_error::describe_watch_error;
use awsauth_core::admission::enforcement_probe::WEBHOOK;
use awsauth_kube::CONTROLLER;

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
        /// Whether it also has the webhook that checks the objects that request mappings.
        checks_mappings: bool,
    },
}

impl ConfigurationState {
    fn checks_mappings(&self) -> bool {
        matches!(
            self,
            Self::WithWebhook {
                checks_mappings: true,
                ..
            }
        )
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
    loop {
        let change = tokio::select! {
            () = context.shutdown.requested() => return,
            change = changes.next() => change,
        };
        match change {
            Some(Ok(configuration)) => {
                is_logged = false;
                let state = state(configuration);
                if !state.checks_mappings() && context.config.borrow().has_requesters() {
                    warn!(
                        "the ValidatingWebhookConfiguration {CONFIGURATION} has no webhook {MAPPINGS_WEBHOOK}, so the requesters of grants are not checked"
                    );
                }
                if state == ConfigurationState::Missing {
                    warn!(
                        "the ValidatingWebhookConfiguration {CONFIGURATION} does not exist: edits of aws-auth are not checked"
                    );
                }
                sender.send_if_modified(|known| {
                    let is_new = *known != state;
                    *known = state;
                    is_new
                });
            }
            Some(Err(error)) if !is_logged => {
                is_logged = true;
                warn!(
                    error = describe_watch_error(&error),
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
    let bundle = |name| {
        let mut webhooks = webhooks.iter().filter(|webhook| webhook.name == name);
        Some(webhooks.next()?.client_config.ca_bundle.clone())
    };
    let mappings_bundle = bundle(MAPPINGS_WEBHOOK);
    let checks_mappings = mappings_bundle.is_some();
    let differs = checks_mappings && mappings_bundle != bundle(WEBHOOK);
    let mut ours = webhooks
        .into_iter()
        .filter(|webhook| webhook.name == WEBHOOK);
    let Some(mut webhook) = ours.next() else {
        return ConfigurationState::WithoutWebhook;
    };
    if differs {
        webhook.client_config.ca_bundle = None;
    }
    ConfigurationState::WithWebhook {
        webhook: Box::new(webhook),
        checks_mappings,
    }
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
