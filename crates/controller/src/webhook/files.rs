//! A certificate in mounted files, issued by cert-manager or another tool.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::error;

use super::certificate::Pair;
use super::served_certificate::Served;
use crate::Running;

/// How often the files are checked. The kubelet takes up to a minute to update them.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#mounted-secrets-are-updated-automatically>
const PERIOD: Duration = Duration::from_secs(10);

/// Serves the certificate in the files until shutdown. If they are invalid, reports that and keeps the previous certificate.
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
