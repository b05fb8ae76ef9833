//! The Secret of the webhook's certificate, with any validity period.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use serde_json::{Value, json};

use super::secrets;

/// The name of the Secret.
pub(crate) const SECRET: &str = "awsauth-controller-webhook-tls";

/// A certificate for the webhook, and its CA.
pub(crate) struct WebhookCertificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) authority: String,
}

/// Creates a certificate that became valid `begun` seconds ago and expires in `ends` seconds.
pub(crate) fn make(begun: u64, ends: u64) -> WebhookCertificate {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let at = |offset: Duration| date_time_ymd(1970, 1, 1) + offset;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let names = [
        "127.0.0.1",
        "awsauth-controller.kube-system.svc",
        "awsauth-controller.kube-system.svc.cluster.local",
    ];
    let mut server = CertificateParams::new(names.map(str::to_owned)).unwrap();
    server.use_authority_key_identifier_extension = true;
    for params in [&mut authority, &mut server] {
        params.not_before = at(now - Duration::from_secs(begun));
        params.not_after = at(now + Duration::from_secs(ends));
    }
    let [authority_key, key] = [KeyPair::generate().unwrap(), KeyPair::generate().unwrap()];
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let certificate = server
        .signed_by(&key, &Issuer::new(authority, authority_key))
        .unwrap();
    secrets::know(key.serialize_pem().lines().nth(1).unwrap());
    WebhookCertificate {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        authority: pem,
    }
}

/// Returns the Secret that stores the certificate.
pub(crate) fn secret(made: &WebhookCertificate) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": SECRET, "namespace": "kube-system", "labels": {"mine": "kept"}},
        "stringData": {"tls.crt": made.certificate, "tls.key": made.key, "ca.crt": made.authority},
    })
}
