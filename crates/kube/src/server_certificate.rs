//! The host names in the certificate of a server that is not trusted.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// Keeps the certificate, and accepts none, so that the handshake ends before anything is sent.
#[derive(Debug, Default)]
struct Recorder(Mutex<Option<CertificateDer<'static>>>);

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Ok(mut kept) = self.0.lock() {
            *kept = Some(end_entity.clone().into_owned());
        }
        Err(Error::General("only the certificate is of interest".into()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only the certificate is of interest".into()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only the certificate is of interest".into()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Returns the host names in the certificate of the server at a host's port; none if there is no such certificate. Sends no
/// request.
pub fn host_names(host: &str, port: u16, limit: Duration) -> Vec<String> {
    let certificate = certificate(host, port, limit);
    certificate.map_or_else(Vec::new, |certificate| names(&certificate))
}

fn certificate(host: &str, port: u16, limit: Duration) -> Option<CertificateDer<'static>> {
    let recorder = Arc::new(Recorder::default());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let mut connection = ClientConnection::new(Arc::new(config), name).ok()?;
    let address = (host, port).to_socket_addrs().ok()?.next()?;
    let mut socket = TcpStream::connect_timeout(&address, limit).ok()?;
    socket.set_read_timeout(Some(limit)).ok()?;
    socket.set_write_timeout(Some(limit)).ok()?;
    // Ends with the error of the recorder.
    let _ = connection.complete_io(&mut socket);
    recorder.0.lock().ok()?.take()
}

fn names(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = parse_x509_certificate(certificate) else {
        return Vec::new();
    };
    let listed = certificate.subject_alternative_name().ok().flatten();
    let listed = listed.map_or(&[][..], |names| &names.value.general_names);
    let names: Vec<String> = listed
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .collect();
    if !names.is_empty() {
        return names;
    }
    let mut common = certificate.subject().iter_common_name();
    let common = common.next().and_then(|name| name.as_str().ok());
    common.map(str::to_owned).into_iter().collect()
}
