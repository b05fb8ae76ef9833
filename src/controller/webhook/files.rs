//! A certificate that somebody else makes, such as cert-manager, in mounted files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::error;

use super::certificate::Pair;
use super::served::Served;
use crate::controller::Running;

/// How often the files are looked at. The kubelet takes up to a minute to bring a change.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#mounted-secrets-are-updated-automatically>
const PERIOD: Duration = Duration::from_secs(10);

/// Serves what the files hold, until the process is to end. Files that can't be used are reported, and what was served before still is.
pub(super) async fn follow(folder: PathBuf, served: Arc<Served>, running: Running) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    loop {
        tokio::select! {
            () = running.stop.asked() => return,
            _ = period.tick() => {}
        }
        match read(&folder).and_then(|pair| served.serve(&pair, &running)) {
            Ok(()) => told.clear(),
            Err(why) if why == told => {}
            Err(why) => {
                error!(why, folder = %folder.display(), "cannot use the webhook's certificate");
                told = why;
            }
        }
    }
}

fn read(folder: &Path) -> Result<Pair, String> {
    let text = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name));
        text.map_err(|error| format!("{name}: {error}"))
    };
    Pair::read(&text("tls.crt")?, &text("tls.key")?)
}
