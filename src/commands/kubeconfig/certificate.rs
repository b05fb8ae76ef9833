//! Reads CA certificates for a kubeconfig.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::backend::bounded_read;
use crate::terminal::Failure;

/// Returns a file of PEM certificates in the encoding of a kubeconfig.
pub(super) fn data(path: &Path) -> Result<String, Failure> {
    let cannot = || Failure::usage(format!("cannot use the certificates of {}", path.display()));
    let pem = bounded_read::file(path).map_err(|error| cannot().because(&error))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(BASE64_STANDARD.encode(&pem)),
        _ => Err(
            Failure::usage(format!("{}: the file has no PEM certificate", cannot())).hint(format!(
                "if it is DER: openssl x509 -inform der -in {} -out ca.pem",
                path.display()
            )),
        ),
    }
}
