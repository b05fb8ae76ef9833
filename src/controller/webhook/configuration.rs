//! The ValidatingWebhookConfiguration that makes the API server ask us. It is somebody's manifest; we put our authority into it.

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
use crate::admission::probe::WEBHOOK;
use crate::cluster::CONTROLLER;
use crate::controller::Running;
use crate::controller::fault::why_no_watch;

/// What is known of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Seen {
    /// Nothing yet.
    #[default]
    NotYet,
    /// There is none.
    Missing,
    /// There is one, without our webhook.
    WithoutUs,
    /// There is one, with our webhook.
    WithUs(Box<ValidatingWebhook>),
}

impl Seen {
    /// The authorities that the API server is told to trust, as PEM.
    pub(super) fn trusted(&self) -> Option<&str> {
        let Self::WithUs(webhook) = self else {
            return None;
        };
        let bundle = webhook.client_config.ca_bundle.as_ref()?;
        std::str::from_utf8(&bundle.0).ok()
    }
}

/// Follows the configuration.
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

/// Tells the API server whom to trust: that and nothing else is changed.
///
/// # Errors
/// When the API server does not take it.
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
