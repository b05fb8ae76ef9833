//! Certificates and their keys.

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
const LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The allowed clock difference.
const SKEW: SignedDuration = SignedDuration::from_hours(1);

/// A certificate and its key, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// The certificate chain.
    pub(super) certificate: String,
    /// The private key.
    pub(super) key: String,
    /// The start of its validity.
    pub(super) begins: Timestamp,
    /// The end of its validity.
    pub(super) ends: Timestamp,
    /// The DNS names and IP addresses.
    pub(super) names: Vec<String>,
}

/// A new certificate and the CA that signed it. The CA's key is discarded after signing.
pub(super) struct Made {
    /// The certificate and its key.
    pub(super) pair: Pair,
    /// The CA certificate, as PEM.
    pub(super) authority: String,
}

impl Pair {
    /// Parses a certificate and its matching key.
    ///
    /// # Errors
    /// What is wrong with it; a fragment.
    pub(super) fn read(certificate: &str, key: &str) -> Result<Self, String> {
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
        let pair = Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            begins: at(parsed.validity().not_before.timestamp())?,
            ends: at(parsed.validity().not_after.timestamp())?,
            names: names.filter_map(name).collect(),
        };
        pair.certified()?;
        Ok(pair)
    }

    /// Makes a pair for these names that counts from now on, and an authority for it.
    ///
    /// # Errors
    /// When the names are none, or there is no randomness.
    pub(super) fn make(names: &[String], now: Timestamp) -> Result<Made, String> {
        let failed = |error: rcgen::Error| format!("cannot make a certificate: {error}");
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
            params.not_before = epoch + seconds(now - SKEW);
            params.not_after = epoch + seconds(now + LIFE);
        }
        let authority_key = KeyPair::generate().map_err(failed)?;
        let key = KeyPair::generate().map_err(failed)?;
        let authority_pem = authority.self_signed(&authority_key).map_err(failed)?.pem();
        let issuer = Issuer::new(authority, authority_key);
        let certificate = server.signed_by(&key, &issuer).map_err(failed)?.pem();
        Ok(Made {
            pair: Self::read(&certificate, &key.serialize_pem())?,
            authority: authority_pem,
        })
    }

    /// From when on another one should take its place: after two thirds of its life.
    pub(super) fn is_old_from(&self) -> Timestamp {
        self.begins + self.begins.duration_until(self.ends) * 2 / 3
    }

    /// Whether it counts.
    pub(super) fn counts(&self, now: Timestamp) -> bool {
        self.begins <= now && now < self.ends
    }

    /// Whether it is for all of these names.
    pub(super) fn is_for(&self, names: &[String]) -> bool {
        names.iter().all(|name| self.names.contains(name))
    }

    /// As TLS takes it.
    ///
    /// # Errors
    /// When the key is none, or another certificate's.
    pub(super) fn certified(&self) -> Result<CertifiedKey, String> {
        let chain = chain(&self.certificate)?;
        // What a key's text looks like is nobody's business, in no message.
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|_| "the key is no private key in PEM form")?;
        CertifiedKey::from_der(chain, key, &default_provider())
            .map_err(|error| format!("the key: {error}"))
    }
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair")
            .field("begins", &self.begins)
            .field("ends", &self.ends)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// The first of the certificates of a PEM text, as PEM; empty when there is none.
pub(super) fn first_of(bundle: &str) -> &str {
    const END: &str = "-----END CERTIFICATE-----\n";
    let end = bundle.find(END).map_or(0, |at| at + END.len());
    &bundle[..end]
}

fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    chain.map_err(|error| format!("the certificate is not in PEM form: {error}"))
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
    fn what_is_made_can_be_read_and_is_for_the_names() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let names = [
            "a.kube-system.svc".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ];
        let Made { pair, authority } = Pair::make(&names, now).unwrap();
        assert!(pair.is_for(&names) && !pair.is_for(&["b".to_owned()]));
        assert_eq!(pair.begins, now - SKEW);
        assert_eq!(pair.ends, now + LIFE);
        assert!(pair.counts(now) && !pair.counts(pair.ends));
        let day = |at: Timestamp| (at.as_second() - now.as_second()) / 86_400;
        assert_eq!(day(pair.is_old_from()), 59);
        assert_eq!(first_of(&authority), authority);
        assert_eq!(
            first_of(&format!("{authority}{}", pair.certificate)),
            authority
        );
        assert_eq!(first_of("none"), "");
        assert!(!format!("{pair:?}").contains("PRIVATE"));
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let make = || {
            Pair::make(&["a".to_owned()], Timestamp::UNIX_EPOCH + LIFE)
                .unwrap()
                .pair
        };
        let (one, other) = (make(), make());
        for (certificate, key, why) in [
            (one.certificate.as_str(), other.key.as_str(), "the key: "),
            (&one.certificate, "", "the key is no private key"),
            ("", &one.key, "there is no certificate"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                &one.key,
                "the certificate: ",
            ),
        ] {
            let error = Pair::read(certificate, key).unwrap_err();
            assert!(error.starts_with(why), "{error}");
            assert!(!error.contains(&one.key));
        }
    }
}
