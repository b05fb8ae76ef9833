//! TLS to an endpoint that is not AWS's own: rustls with ring.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// Names a file of certificates to trust instead of the system's, as the AWS SDKs read it.
/// <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html>
pub(crate) const BUNDLE: &str = "AWS_CA_BUNDLE";

/// Why TLS can't be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file of certificates can't be read.
    #[error("can't read {}", path.display())]
    Bundle {
        /// The file.
        path: PathBuf,
        /// Why it can't be read.
        source: io::Error,
    },
    /// The file holds no certificate that can be used.
    #[error("{} holds no certificate that can be used", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// This system has no certificates to trust.
    #[error("this system has no root certificates")]
    NoRoots,
}

/// Trusts the certificates of the bundle alone if there is one, else the system's.
pub(crate) fn client(bundle: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match bundle {
        Some(path) => of_file(path)?,
        None => of_system()?,
    };
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(ring)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .expect("ring knows these versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn of_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(path)?);
    Ok(roots)
}

/// The certificates of a file that can be used; at least one.
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

/// The system's; at least one.
pub(crate) fn of_system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(found.certs) {
        (0, _) => Err(TlsError::NoRoots),
        _ => Ok(roots),
    }
}
