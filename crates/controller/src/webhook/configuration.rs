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
use crate::Running;
use crate::fault::why_no_watch;
use awsauth_core::admission::probe::WEBHOOK;
use awsauth_kube::CONTROLLER;

/// The known state of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Seen {
    /// Not known yet.
    #[default]
    NotYet,
    /// It does not exist.
    Missing,
    /// It exists without this webhook.
    WithoutUs,
    /// It exists with this webhook.
    WithUs(Box<ValidatingWebhook>),
}

impl Seen {
    /// The CA bundle that the API server trusts, as PEM.
    pub(super) fn trusted(&self) -> Option<&str> {
        let Self::WithUs(webhook) = self else {
            return None;
        };
        let bundle = webhook.client_config.ca_bundle.as_ref()?;
        std::str::from_utf8(&bundle.0).ok()
    }
}

/// Watches the configuration.
pub(super) async fn follow(running: Running, sender: watch::Sender<Seen>) {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(running.store.client().clone());
    let mut changes = pin!(watcher::watch_object(api, CONFIGURATION).default_backoff());
    let mut is_told = false;
    loop {
        let change = tokio::select! {
            () = running.stop.asked() => return,
            change = changes.next() => change,
        };
        match change {
            Some(Ok(configuration)) => {
                is_told = false;
                let seen = seen(configuration);
                if seen == Seen::Missing {
                    warn!(
                        "there is no ValidatingWebhookConfiguration {CONFIGURATION}: edits of aws-auth are not judged"
                    );
                }
                sender.send_if_modified(|known| {
                    let is_new = *known != seen;
                    *known = seen;
                    is_new
                });
            }
            Some(Err(error)) if !is_told => {
                is_told = true;
                warn!(
                    error = why_no_watch(&error),
                    "cannot watch the ValidatingWebhookConfiguration {CONFIGURATION}"
                );
            }
            Some(Err(_)) => {}
            None => return,
        }
    }
}

fn seen(configuration: Option<ValidatingWebhookConfiguration>) -> Seen {
    let Some(configuration) = configuration else {
        return Seen::Missing;
    };
    let webhooks = configuration.webhooks.into_iter().flatten();
    let mut ours = webhooks.filter(|webhook| webhook.name == WEBHOOK);
    match ours.next() {
        Some(webhook) => Seen::WithUs(Box::new(webhook)),
        None => Seen::WithoutUs,
    }
}

/// Sets the CA bundle and changes nothing else.
///
/// # Errors
/// If the API server rejects the change.
pub(super) async fn tell(running: &Running, authorities: &str) -> Result<(), kube::Error> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(running.store.client().clone());
    // Webhooks are merged by their names.
    // <https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/validating-webhook-configuration-v1/>
    let bundle = k8s_openapi::ByteString(authorities.as_bytes().to_vec());
    let patch = json!({"webhooks": [{"name": WEBHOOK, "clientConfig": {"caBundle": bundle}}]});
    let params = PatchParams {
        field_manager: Some(CONTROLLER.to_owned()),
        ..PatchParams::default()
    };
    api.patch(CONFIGURATION, &params, &Patch::Strategic(patch))
        .await?;
    info!("the API server is told whom to trust");
    Ok(())
}
