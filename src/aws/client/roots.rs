use std::path::PathBuf;

use aws_smithy_http_client::tls::TrustStore;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{ClientError, Reach};
use crate::aws::config_file::expand;
use crate::aws::http::tls;

/// Whom to trust: the certificates of one file when somebody names it, else the system's. botocore listens to the same names.
pub(super) fn of(reach: &Reach) -> Result<TrustStore, ClientError> {
    let profile = reach.profile.and_then(|profile| profile.text("ca_bundle"));
    let named = [
        (reach.surroundings.get(tls::BUNDLE), tls::BUNDLE),
        (profile, "ca_bundle of the profile"),
        (
            reach.surroundings.get("REQUESTS_CA_BUNDLE"),
            "REQUESTS_CA_BUNDLE",
        ),
    ];
    let named = named
        .into_iter()
        .find_map(|(path, setting)| Some((path?, setting)));
    let Some((path, setting)) = named else {
        // Elsewhere there always are some, and to look takes long.
        if cfg!(target_os = "linux") {
            tls::of_system().map_err(|source| ClientError::Roots { source })?;
        }
        return Ok(TrustStore::default());
    };
    let path = expand(path, reach.surroundings).unwrap_or_else(|| PathBuf::from(path));
    let certificates =
        tls::certificates(&path).map_err(|source| ClientError::Bundle { setting, source })?;
    // The HTTP client takes PEM, and would panic over what it can't use.
    let pem = certificates.iter().map(|certificate| {
        let text = BASE64_STANDARD.encode(certificate);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    });
    Ok(TrustStore::empty().with_pem_certificate(pem.collect::<String>()))
}
