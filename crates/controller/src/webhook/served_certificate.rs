//! The served certificate, which can change between connections.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tracing::info;

use super::PART;
use super::certificate::ServerCertificate;
use crate::Context;

/// The served certificate; none until one is available.
#[derive(Debug, Default)]
pub(super) struct ServedCertificate(RwLock<Option<(ServerCertificate, Arc<CertifiedKey>)>>);

impl ServedCertificate {
    /// Serves this certificate from the next connection on.
    ///
    /// # Errors
    /// If the certificate is invalid; the previous one stays in use.
    pub(super) fn set(
        &self,
        certificate: &ServerCertificate,
        context: &Context,
    ) -> Result<(), String> {
        if self.current().as_ref() == Some(certificate) {
            return Ok(());
        }
        let key = Arc::new(certificate.certified_key()?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((certificate.clone(), key));
        info!(not_after = %certificate.not_after, names = certificate.names.join(", "), "serving a certificate");
        #[allow(
            clippy::cast_precision_loss,
            reason = "an f64 represents whole seconds exactly for millions of years"
        )]
        context
            .metrics
            .certificate_expiry
            .set(certificate.not_after.as_second() as f64);
        context.health.set_ready(PART);
        Ok(())
    }

    /// Returns the served certificate.
    pub(super) fn current(&self) -> Option<ServerCertificate> {
        let served = self.0.read().unwrap_or_else(PoisonError::into_inner);
        served.as_ref().map(|(certificate, _)| certificate.clone())
    }
}

impl ResolvesServerCert for ServedCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let served = self.0.read().unwrap_or_else(PoisonError::into_inner);
        served.as_ref().map(|(_, key)| Arc::clone(key))
    }
}

/// Returns the TLS configuration that serves the certificate.
pub(super) fn tls_config(served: Arc<ServedCertificate>) -> Arc<ServerConfig> {
    let ring = Arc::new(default_provider());
    let config = ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .expect("ring supports these versions")
        .with_no_client_auth()
        .with_cert_resolver(served);
    Arc::new(config)
}
