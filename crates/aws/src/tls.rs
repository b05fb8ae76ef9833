//! Trusted certificates, and a TLS configuration (rustls, ring) for the small HTTP client.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// Names a file of trusted certificates that replaces the system's, as in the AWS SDKs.
/// <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html>
pub(crate) const BUNDLE: &str = "AWS_CA_BUNDLE";

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The CA bundle cannot be read.
    #[error("cannot read {}", path.display())]
    Bundle { path: PathBuf, source: io::Error },
    /// The CA bundle has no usable certificate.
    #[error("{} contains no usable certificate", path.display())]
    NoCertificate { path: PathBuf },
    #[error("this system has no root certificates")]
    NoRoots,
}

/// Returns a configuration that trusts only the bundle, or else the system's certificates.
pub(crate) fn client(bundle: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match bundle {
        Some(path) => roots_of_file(path)?,
        None => system_roots()?,
    };
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(ring)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .expect("ring knows these versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn roots_of_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(path)?);
    Ok(roots)
}

/// Returns the usable certificates of a file; at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let path = || path.to_owned();
    let read = CertificateDer::pem_file_iter(path()).and_then(Iterator::collect);
    let all: Vec<CertificateDer> = match read {
        Ok(all) => all,
        Err(pem::Error::Io(source)) => {
            let path = path();
            return Err(TlsError::Bundle { path, source });
        }
        Err(_) => return Err(TlsError::NoCertificate { path: path() }),
    };
    let usable = all
        .into_iter()
        .filter(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok());
    let usable: Vec<_> = usable.collect();
    if usable.is_empty() {
        return Err(TlsError::NoCertificate { path: path() });
    }
    Ok(usable)
}

/// Returns the system's certificates; at least one.
pub(crate) fn system_roots() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(found.certs) {
        (0, _) => Err(TlsError::NoRoots),
        _ => Ok(roots),
    }
}
