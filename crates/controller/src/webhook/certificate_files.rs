//! A certificate in mounted files, issued by cert-manager or another tool.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::error;

use super::certificate::ServerCertificate;
use super::served_certificate::ServedCertificate;
use crate::Context;
use crate::file_reload::reload_until_shutdown;

/// Serves the certificate in the files until shutdown. If they are invalid, reports that and keeps the previous certificate.
pub(super) async fn serve(folder: PathBuf, served: Arc<ServedCertificate>, context: Context) {
    let reload = || {
        let certificate = read(&folder)?;
        served.set(&certificate, &context)
    };
    let report = |error: Option<&str>| {
        if let Some(why) = error {
            error!(why, folder = %folder.display(), "cannot use the webhook's certificate");
        }
    };
    reload_until_shutdown(&context.shutdown, reload, report).await;
}

fn read(folder: &Path) -> Result<ServerCertificate, String> {
    let text = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name));
        text.map_err(|error| format!("{name}: {error}"))
    };
    ServerCertificate::parse(&text("tls.crt")?, &text("tls.key")?)
}
