//! Parses and issues the webhook's certificate.

use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// How long a certificate is valid.
const VALIDITY: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The allowed clock difference.
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_hours(1);

/// A certificate and its key, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ServerCertificate {
    /// The certificate chain.
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// The DNS names and IP addresses.
    pub(super) names: Vec<String>,
}

/// A new certificate and the CA that signed it. The CA's key is discarded after signing.
pub(super) struct IssuedCertificate {
    pub(super) certificate: ServerCertificate,
    /// The CA certificate, as PEM.
    pub(super) authority: String,
}

impl ServerCertificate {
    /// Parses a certificate and its matching key.
    ///
    /// # Errors
    /// Why they are invalid; a sentence fragment.
    pub(super) fn parse(certificate: &str, key: &str) -> Result<Self, String> {
        let chain = chain(certificate)?;
        let first = chain.first().ok_or("there is no certificate")?;
        let (_, parsed) =
            parse_x509_certificate(first).map_err(|error| format!("the certificate: {error}"))?;
        let at = |seconds: i64| {
            Timestamp::from_second(seconds).map_err(|error| format!("the certificate: {error}"))
        };
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names
            .into_iter()
            .flat_map(|names| &names.value.general_names);
        let parsed = Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            not_before: at(parsed.validity().not_before.timestamp())?,
            not_after: at(parsed.validity().not_after.timestamp())?,
            names: names.filter_map(name).collect(),
        };
        parsed.certified_key()?;
        Ok(parsed)
    }

    /// Issues a certificate for these names, signed by a new CA and valid from now on.
    ///
    /// # Errors
    /// If a name is invalid, or the system provides no random numbers.
    pub(super) fn issue(names: &[String], now: Timestamp) -> Result<IssuedCertificate, String> {
        let failed = |error: rcgen::Error| format!("cannot issue a certificate: {error}");
        let mut authority = CertificateParams::default();
        let name = format!("awsauth-controller webhook {}", now.as_second());
        authority.distinguished_name.push(DnType::CommonName, name);
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let mut server = CertificateParams::new(names).map_err(failed)?;
        server
            .distinguished_name
            .push(DnType::CommonName, "awsauth-controller");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.use_authority_key_identifier_extension = true;
        for params in [&mut authority, &mut server] {
            let seconds = |at: Timestamp| Duration::from_secs(at.as_second().max(0).unsigned_abs());
            let epoch = date_time_ymd(1970, 1, 1);
            params.not_before = epoch + seconds(now - MAX_CLOCK_SKEW);
            params.not_after = epoch + seconds(now + VALIDITY);
        }
        let authority_key = KeyPair::generate().map_err(failed)?;
        let key = KeyPair::generate().map_err(failed)?;
        let authority_pem = authority.self_signed(&authority_key).map_err(failed)?.pem();
        let issuer = Issuer::new(authority, authority_key);
        let certificate = server.signed_by(&key, &issuer).map_err(failed)?.pem();
        Ok(IssuedCertificate {
            certificate: Self::parse(&certificate, &key.serialize_pem())?,
            authority: authority_pem,
        })
    }

    /// Returns when to renew the certificate: after two thirds of its validity.
    pub(super) fn renew_at(&self) -> Timestamp {
        self.not_before + self.not_before.duration_until(self.not_after) * 2 / 3
    }

    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        self.not_before <= now && now < self.not_after
    }

    /// Returns whether the certificate is valid for all of these names.
    pub(super) fn covers(&self, names: &[String]) -> bool {
        names.iter().all(|name| self.names.contains(name))
    }

    /// Converts it for rustls.
    ///
    /// # Errors
    /// If the key is invalid or belongs to another certificate.
    pub(super) fn certified_key(&self) -> Result<CertifiedKey, String> {
        let chain = chain(&self.certificate)?;
        // No message may contain any part of a key.
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|_| "the key is not a private key in PEM format")?;
        CertifiedKey::from_der(chain, key, &default_provider())
            .map_err(|error| format!("the key: {error}"))
    }
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerCertificate")
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// Returns the first certificate of a PEM text; empty if there is none.
pub(super) fn first_of(bundle: &str) -> &str {
    const END: &str = "-----END CERTIFICATE-----\n";
    let end = bundle.find(END).map_or(0, |at| at + END.len());
    &bundle[..end]
}

fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    chain.map_err(|error| format!("the certificate is not in PEM format: {error}"))
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            Some(v4.or(v6).ok()?.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issued_certificate_covers_its_names() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let names = [
            "a.kube-system.svc".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ];
        let IssuedCertificate {
            certificate,
            authority,
        } = ServerCertificate::issue(&names, now).unwrap();
        assert!(certificate.covers(&names) && !certificate.covers(&["b".to_owned()]));
        assert_eq!(certificate.not_before, now - MAX_CLOCK_SKEW);
        assert_eq!(certificate.not_after, now + VALIDITY);
        assert!(certificate.is_valid(now) && !certificate.is_valid(certificate.not_after));
        let day = |at: Timestamp| (at.as_second() - now.as_second()) / 86_400;
        assert_eq!(day(certificate.renew_at()), 59);
        assert_eq!(first_of(&authority), authority);
        assert_eq!(
            first_of(&format!("{authority}{}", certificate.certificate)),
            authority
        );
        assert_eq!(first_of("none"), "");
        assert!(!format!("{certificate:?}").contains("PRIVATE"));
    }

    #[test]
    fn key_of_another_certificate_is_rejected() {
        let issue = || {
            ServerCertificate::issue(&["a".to_owned()], Timestamp::UNIX_EPOCH + VALIDITY)
                .unwrap()
                .certificate
        };
        let (one, other) = (issue(), issue());
        for (certificate, key, why) in [
            (one.certificate.as_str(), other.key.as_str(), "the key: "),
            (&one.certificate, "", "the key is not a private key"),
            ("", &one.key, "there is no certificate"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                &one.key,
                "the certificate: ",
            ),
        ] {
            let error = ServerCertificate::parse(certificate, key).unwrap_err();
            assert!(error.starts_with(why), "{error}");
            assert!(!error.contains(&one.key));
        }
    }
}
