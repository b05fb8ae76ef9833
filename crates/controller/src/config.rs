//! The configuration file. It is reloaded when it changes, as a mounted ConfigMap does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::Running;
use crate::StartError;
use awsauth_core::error_chain;
use awsauth_core::reconcile::Config;

/// How often the file is checked. The kubelet takes up to a minute to update it.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically>
const PERIOD: Duration = Duration::from_secs(10);
/// The name of this part in [`Health`](super::health::Health).
const PART: &str = "configuration";

/// The current configuration, and a way to wait for changes.
pub(crate) type Loaded = watch::Receiver<Arc<Config>>;

/// Reads the file; without a file, returns the configuration that grants nothing.
///
/// # Errors
/// If the file cannot be read or is invalid.
pub fn load(path: Option<&Path>) -> Result<Config, StartError> {
    let Some(path) = path else {
        return Ok(Config::default());
    };
    let text = std::fs::read_to_string(path).map_err(|source| StartError::ReadConfig {
        path: path.to_owned(),
        source,
    })?;
    Config::parse(&text).map_err(|source| StartError::ParseConfig {
        path: path.to_owned(),
        source,
    })
}

/// Reloads the file periodically. If it is invalid, reports that and keeps the previous configuration.
pub(crate) async fn follow(path: &Path, sender: watch::Sender<Arc<Config>>, running: Running) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    loop {
        tokio::select! {
            () = running.stop.asked() => return,
            _ = period.tick() => {}
        }
        match load(Some(path)) {
            Ok(config) => {
                if !told.is_empty() {
                    running.health.is_ready(PART);
                    told.clear();
                }
                let is_new = sender.send_if_modified(|known| {
                    let is_new = **known != config;
                    if is_new {
                        *known = Arc::new(config);
                    }
                    is_new
                });
                if is_new {
                    info!(file = %path.display(), "the configuration has changed");
                    warn_of_none(&sender.borrow());
                }
            }
            Err(error) => {
                let why = error_chain::text(&error);
                if why != told {
                    error!(
                        error = why,
                        "the configuration as it was before stays in force"
                    );
                    // A replica that keeps to what was right is as ready as before.
                    running
                        .health
                        .remarks(PART, format!("as it was before: {why}"));
                    told = why;
                }
            }
        }
    }
}

/// Logs a warning if the configuration grants nothing.
pub(crate) fn warn_of_none(config: &Config) {
    if config.grants.is_empty() {
        warn!("the configuration grants nothing: every object is refused until it does");
    }
}
