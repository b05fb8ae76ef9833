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
use crate::request_error::describe_watch_error;
use awsauth_core::admission::probe::WEBHOOK;
use awsauth_kube::CONTROLLER;

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
    WithWebhook(Box<ValidatingWebhook>),
}

impl ConfigurationState {
    /// The CA bundle that the API server trusts, as PEM.
    pub(super) fn trusted(&self) -> Option<&str> {
        let Self::WithWebhook(webhook) = self else {
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
    let webhooks = configuration.webhooks.into_iter().flatten();
    let mut ours = webhooks.filter(|webhook| webhook.name == WEBHOOK);
    match ours.next() {
        Some(webhook) => ConfigurationState::WithWebhook(Box::new(webhook)),
        None => ConfigurationState::WithoutWebhook,
    }
}

/// Sets the CA bundle and changes nothing else.
///
/// # Errors
/// If the API server rejects the change.
pub(super) async fn set_ca_bundle(context: &Context, authorities: &str) -> Result<(), kube::Error> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(context.client.client().clone());
    // The API server merges webhooks by their names.
    // <https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/validating-webhook-configuration-v1/>
    let bundle = k8s_openapi::ByteString(authorities.as_bytes().to_vec());
    let patch = json!({"webhooks": [{"name": WEBHOOK, "clientConfig": {"caBundle": bundle}}]});
    let params = PatchParams {
        field_manager: Some(CONTROLLER.to_owned()),
        ..PatchParams::default()
    };
    api.patch(CONFIGURATION, &params, &Patch::Strategic(patch))
        .await?;
    info!("updated the CA bundle in the ValidatingWebhookConfiguration {CONFIGURATION}");
    Ok(())
}
