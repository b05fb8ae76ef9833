//! A certificate in mounted files, issued by cert-manager or another tool.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::error;

use super::certificate::ServerCertificate;
use super::served_certificate::ServedCertificate;
use crate::Context;

/// How often the files are checked. The kubelet takes up to a minute to update them.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#mounted-secrets-are-updated-automatically>
const PERIOD: Duration = Duration::from_secs(10);

/// Serves the certificate in the files until shutdown. If they are invalid, reports that and keeps the previous certificate.
pub(super) async fn serve(folder: PathBuf, served: Arc<ServedCertificate>, context: Context) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_error = String::new();
    loop {
        tokio::select! {
            () = context.shutdown.requested() => return,
            _ = period.tick() => {}
        }
        match read(&folder).and_then(|certificate| served.set(&certificate, &context)) {
            Ok(()) => last_error.clear(),
            Err(why) if why == last_error => {}
            Err(why) => {
                error!(why, folder = %folder.display(), "cannot use the webhook's certificate");
                last_error = why;
            }
        }
    }
}

fn read(folder: &Path) -> Result<ServerCertificate, String> {
    let text = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name));
        text.map_err(|error| format!("{name}: {error}"))
    };
    ServerCertificate::parse(&text("tls.crt")?, &text("tls.key")?)
}
