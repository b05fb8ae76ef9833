//! The served certificate, which can change between connections.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tracing::info;

use super::PART;
use super::certificate::Pair;
use crate::Running;

/// The served certificate; none until one is available.
#[derive(Debug, Default)]
pub(super) struct Served(RwLock<Option<(Pair, Arc<CertifiedKey>)>>);

impl Served {
    /// Serves this certificate from the next connection on, and logs that.
    ///
    /// # Errors
    /// If the certificate is invalid; the previous one stays in use.
    pub(super) fn serve(&self, pair: &Pair, running: &Running) -> Result<(), String> {
        if self.current().as_ref() == Some(pair) {
            return Ok(());
        }
        let key = Arc::new(pair.certified()?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((pair.clone(), key));
        info!(ends = %pair.ends, names = pair.names.join(", "), "serving a certificate");
        // Whole seconds are exact in it for longer than certificates last.
        #[allow(clippy::cast_precision_loss, reason = "seconds")]
        running
            .metrics
            .certificate_expiry
            .set(pair.ends.as_second() as f64);
        running.health.is_ready(PART);
        Ok(())
    }

    /// Returns the served certificate.
    pub(super) fn current(&self) -> Option<Pair> {
        let served = self.0.read().unwrap_or_else(PoisonError::into_inner);
        served.as_ref().map(|(pair, _)| pair.clone())
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let served = self.0.read().unwrap_or_else(PoisonError::into_inner);
        served.as_ref().map(|(_, key)| Arc::clone(key))
    }
}

/// Returns the TLS settings that serve it.
pub(super) fn settings(served: Arc<Served>) -> Arc<ServerConfig> {
    let ring = Arc::new(default_provider());
    let config = ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .expect("ring knows these versions")
        .with_no_client_auth()
        .with_cert_resolver(served);
    Arc::new(config)
}
