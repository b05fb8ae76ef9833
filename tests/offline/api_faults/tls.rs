//! Each defect of a certificate has its own message.

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use awsauth_kube::server_certificate::host_names;
use awsauth_kube::{Environment, ErrorKind, Flags, connect};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::api_faults::{calm, read, refused, with_kubeconfig};
use crate::support::fake_api::{FakeApi, Scenario, eksctl_made};

/// A certificate authority for one test.
pub(crate) struct Authority {
    pub(crate) certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// Starts an API server whose certificate is for `names` and expires at the start of the year `until`.
    pub(crate) async fn serve(&self, names: &[&str], until: i32) -> FakeApi {
        self.serve_with(names, until, Scenario::Calm).await
    }

    /// Like [`Self::serve`], with a fault.
    pub(crate) async fn serve_with(
        &self,
        names: &[&str],
        until: i32,
        scenario: Scenario,
    ) -> FakeApi {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )
        .unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = key.serialize_der().try_into().unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        FakeApi::start_with(scenario, Some(eksctl_made()), Some(acceptor)).await
    }

    /// Returns the line of a kubeconfig that trusts this CA, with a path relative to the kubeconfig.
    pub(crate) fn line(&self, api: &FakeApi) -> String {
        fs::write(api.folder().join("ca.crt"), self.certificate.pem()).unwrap();
        "certificate-authority: ca.crt".to_owned()
    }
}

#[tokio::test]
async fn certificate_defects_are_rejected_and_named() {
    let authority = Authority::new();
    let check = async |names: &[&str], until, extra: &str, trusts: bool| {
        let api = authority.serve(names, until).await;
        let trust = if trusts {
            authority.line(&api)
        } else {
            Authority::new().line(&api)
        };
        let flags = with_kubeconfig(api.kubeconfig(&format!("{trust}\n{extra}"), ""));
        let store = connect(&flags, &Environment::default()).await.unwrap();
        read(&store).await.map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::Denied);
            assert!(error.source().is_some() && !error.hint().is_empty());
            error.to_string().replace(&api.url, "URL")
        })
    };
    let here: &[&str] = &["127.0.0.1"];
    assert_eq!(check(here, 2099, "", true).await, Ok(()));
    assert_eq!(
        check(
            &["api.example.com"],
            2099,
            "tls-server-name: api.example.com",
            true
        )
        .await,
        Ok(())
    );
    let message = |text: &str| Err(text.to_owned());
    assert_eq!(
        check(here, 2021, "", true).await,
        message("the certificate of URL has expired or is not valid yet")
    );
    assert_eq!(
        check(here, 2099, "", false).await,
        message("the certificate of URL is not signed by the cluster's certificate authority")
    );
    assert_eq!(
        check(&["api.example.com"], 2099, "", true).await,
        message("the certificate of URL is for another host")
    );
    let api = authority.serve(&["api.example.com"], 2021).await;
    let flags = with_kubeconfig(api.kubeconfig("insecure-skip-tls-verify: true", ""));
    read(&connect(&flags, &Environment::default()).await.unwrap())
        .await
        .unwrap();
    // A server without TLS at an https URL.
    let api = calm().await;
    let flags = Flags {
        server: Some(api.url.replace("http:", "https:")),
        ..with_kubeconfig(api.kubeconfig(&authority.line(&api), ""))
    };
    let error = read(&connect(&flags, &Environment::default()).await.unwrap())
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("no TLS connection to https://127.0.0.1:"),
        "{error}"
    );
}

#[tokio::test]
async fn names_of_a_certificate_that_is_not_trusted_are_known() {
    let names = async |api: FakeApi| {
        let (_, port) = api.url.rsplit_once(':').unwrap();
        let port = port.trim_end_matches('/').parse().unwrap();
        let asked = tokio::task::spawn_blocking(move || {
            host_names("127.0.0.1", port, Duration::from_secs(5))
        });
        asked.await.unwrap()
    };
    let portal = ["login.wifi.example", "wifi.example"];
    let api = Authority::new().serve(&portal, 2099).await;
    assert_eq!(names(api).await, portal);
    // A server without TLS has none.
    assert!(names(calm().await).await.is_empty());
}

#[tokio::test]
async fn unusable_kubeconfig_certificates_are_named_by_field() {
    let api = calm().await;
    let secure = |api: &FakeApi| api.url.replace("http:", "https:");
    let check = async |cluster: &str, user: &str, message: &str| {
        let flags = Flags {
            server: Some(secure(&api)),
            ..with_kubeconfig(api.kubeconfig(cluster, user))
        };
        let error = refused(&flags, &Environment::default()).await;
        assert_eq!(
            (error.to_string(), error.kind()),
            (
                message.replace("FOLDER", &api.folder().display().to_string()),
                ErrorKind::Input
            )
        );
    };
    check(
        "certificate-authority: gone.crt",
        "",
        "cannot read certificate-authority FOLDER/gone.crt",
    )
    .await;
    check(
        "certificate-authority-data: '!'",
        "",
        "certificate-authority of the kubeconfig is not base64",
    )
    .await;
    check(
        "certificate-authority-data: aGVsbG8=",
        "",
        "certificate-authority-data of the kubeconfig holds no PEM certificate",
    )
    .await;
    let trust = Authority::new().line(&api);
    check(
        &trust,
        "client-certificate-data: aGVsbG8=",
        "client-key of the kubeconfig is missing",
    )
    .await;
    check(
        &trust,
        "client-certificate-data: aGVsbG8=\nclient-key-data: aGVsbG8=",
        "the client certificate or its key of the kubeconfig contains no private key",
    )
    .await;
    let flags = with_kubeconfig(api.kubeconfig("", "tokenFile: gone"));
    let error = refused(&flags, &Environment::default()).await;
    let path = api.folder().join("gone");
    assert_eq!(
        error.to_string(),
        format!("cannot read the token file {}", path.display())
    );
    assert_eq!(error.kind(), ErrorKind::Denied);
}
