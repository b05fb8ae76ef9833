//! Loads the configuration file, and reloads it when it changes.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tracing::{error, info, warn};

use super::Context;
use super::file_reload::reload_until_shutdown;
use crate::StartError;
use awsauth_core::error_chain;
use awsauth_core::reconcile::{Config, ConfigError};

/// The name of this part in [`Health`](super::health::Health).
const PART: &str = "configuration";

/// The current configuration. Notifies of changes.
pub(crate) type ConfigReceiver = watch::Receiver<Arc<Config>>;

/// Reads the file; without a file, returns the configuration that grants nothing.
///
/// # Errors
/// If the file cannot be read or is invalid, or if it names requesters and there is no webhook to check them.
pub fn load(path: Option<&Path>, has_webhook: bool) -> Result<Config, StartError> {
    let Some(path) = path else {
        return Ok(Config::default());
    };
    let text = std::fs::read_to_string(path).map_err(|source| StartError::ReadConfig {
        path: path.to_owned(),
        source,
    })?;
    let config = Config::parse(&text).and_then(|config| {
        let is_checked = has_webhook || !config.has_requesters();
        is_checked.then_some(config).ok_or_else(|| ConfigError {
            message: "a grant names requesters, which only the webhook checks: start the controller with --webhook, or remove requesters".to_owned(),
        })
    });
    config.map_err(|source| StartError::ParseConfig {
        path: path.to_owned(),
        source,
    })
}

/// Reloads the file periodically. If it is invalid, reports that and keeps the previous configuration.
pub(crate) async fn reload_on_change(
    path: &Path,
    sender: watch::Sender<Arc<Config>>,
    context: Context,
) {
    let reload = || {
        let config = load(Some(path), context.settings.webhook);
        let config = config.map_err(|error| error_chain::text(&error))?;
        let is_new = sender.send_if_modified(|known| {
            let is_new = **known != config;
            if is_new {
                *known = Arc::new(config);
            }
            is_new
        });
        if is_new {
            info!(file = %path.display(), "the configuration has changed");
            warn_if_nothing_granted(&sender.borrow());
        }
        Ok(())
    };
    let report = |error: Option<&str>| match error {
        None => context.health.set_ready(PART),
        Some(error) => {
            error!(
                error,
                "cannot reload the configuration; the previous one stays in use"
            );
            // A replica with the previous, valid configuration is still ready.
            context
                .health
                .set_info(PART, format!("the previous one stays in use: {error}"));
        }
    };
    reload_until_shutdown(&context.shutdown, reload, report).await;
}

/// Logs a warning if the configuration grants nothing.
pub(crate) fn warn_if_nothing_granted(config: &Config) {
    if config.grants.is_empty() {
        warn!("the configuration grants nothing, so every object is refused");
    }
    for grant in &config.grants {
        if grant.usernames.is_empty() && !grant.whole_accounts {
            let accounts = grant.accounts.join(", ");
            warn!(
                accounts,
                "a grant has no usernames, so it grants nothing: add usernames"
            );
        }
    }
}
