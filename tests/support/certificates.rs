//! Certificates for one API server on the loopback interface.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};

/// Files in PEM form.
pub(crate) struct Certificates {
    /// The CA with which clients verify the server.
    pub(crate) ca: PathBuf,
    /// Valid for 127.0.0.1 and localhost, signed by `ca`.
    pub(crate) server: PathBuf,
    pub(crate) server_key: PathBuf,
    /// Signs service account tokens.
    pub(crate) service_account_key: PathBuf,
    /// Verifies them.
    pub(crate) service_account_public_key: PathBuf,
}

impl Certificates {
    /// Creates all certificates and keys in `folder`.
    pub(crate) fn create(folder: &Path) -> Result<Self, String> {
        let pems = Pems::generate().map_err(|e| format!("certificates: {e}"))?;
        let write = |name: &str, pem: String| {
            let path = folder.join(name);
            std::fs::write(&path, pem).map_err(|e| format!("{}: {e}", path.display()))?;
            Ok::<_, String>(path)
        };
        Ok(Self {
            ca: write("ca.crt", pems.ca)?,
            server: write("server.crt", pems.server)?,
            server_key: write("server.key", pems.server_key)?,
            service_account_key: write(
                "service-account.key",
                pems.service_account.serialize_pem(),
            )?,
            service_account_public_key: write(
                "service-account.pub",
                pems.service_account.public_key_pem(),
            )?,
        })
    }
}

struct Pems {
    ca: String,
    server: String,
    server_key: String,
    service_account: KeyPair,
}

impl Pems {
    fn generate() -> Result<Self, Error> {
        let mut authority = named("awsauth test authority", &[])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let ca = authority.self_signed(&authority_key)?.pem();

        let mut server = named("kube-apiserver", &["127.0.0.1", "localhost"])?;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let server_key = KeyPair::generate()?;
        let signed = server.signed_by(&server_key, &Issuer::new(authority, authority_key))?;

        Ok(Self {
            ca,
            server: signed.pem(),
            server_key: server_key.serialize_pem(),
            service_account: KeyPair::generate()?,
        })
    }
}

fn named(common_name: &str, addresses: &[&str]) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(
        addresses
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
    )?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}
