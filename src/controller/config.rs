//! The configuration's file. It is read again when it changes, as a mounted ConfigMap does.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::Running;
use crate::edge::Failure;
use crate::reconcile::Config;

/// How often the file is looked at. The kubelet takes up to a minute to bring a change.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically>
const PERIOD: Duration = Duration::from_secs(10);
/// What the part of [`Health`](super::health::Health) is called.
const PART: &str = "configuration";

/// The configuration as it is now, and whoever wants to know when it changes.
pub(crate) type Loaded = watch::Receiver<Arc<Config>>;

/// Reads the file; without one, the configuration that grants nothing.
///
/// # Errors
/// When it can't be read, or says what can't be meant.
pub(crate) fn load(path: Option<&Path>) -> Result<Config, Failure> {
    let Some(path) = path else {
        return Ok(Config::default());
    };
    let failed = || Failure::usage(format!("cannot use the configuration {}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| {
        let failure = failed().because(&error);
        match error.kind() {
            ErrorKind::NotFound => failure.hint(
                "write it as docs/controller.md shows, or leave --config out: then nothing is granted",
            ),
            _ => failure,
        }
    })?;
    Config::parse(&text).map_err(|error| {
        failed()
            .because(&error)
            .hint("see what it may say: docs/controller.md")
    })
}

/// Reads the file again and again. One that can't be used is reported, and what was read before stays in force.
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
            Err(failure) => {
                let why = failure.message();
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

/// Says so when nothing can be granted.
pub(crate) fn warn_of_none(config: &Config) {
    if config.grants.is_empty() {
        warn!("the configuration grants nothing: every object is refused until it does");
    }
}
