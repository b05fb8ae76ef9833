//! Credentials from a container endpoint.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use awsauth_aws::container_credentials::Container;
use secrecy::ExposeSecret;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::support::certificates::Certificates;

pub(crate) const URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
pub(crate) const AUTHORIZATION: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
pub(crate) const FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
pub(crate) const GET: &str = "GET /v1/credentials?a=b";

pub(crate) fn here(server: &Server) -> AwsEnvironment {
    AwsEnvironment::default().with(URI, &format!("{}/v1/credentials?a=b", server.url))
}

pub(crate) fn container(aws_environment: &AwsEnvironment) -> Container {
    Container::of(aws_environment).unwrap().unwrap()
}

pub(crate) async fn agent(replies: &[Reply]) -> Server {
    Server::start(replies.iter().map(|reply| (GET, reply.clone()))).await
}

/// A response of the agents: without `Code`, with an account.
pub(crate) fn agent_response() -> Reply {
    let mut given = issued();
    given.as_object_mut().unwrap().remove("Code");
    given["AccountId"] = "111122223333".into();
    Reply::ok(&given.to_string())
}

#[tokio::test]
async fn container_credentials_take_one_request() {
    let server = agent(&[agent_response()]).await;
    let credentials = container(&here(&server)).credentials().await.unwrap();
    assert_eq!(credentials.access_key_id, "ASIAEXAMPLEEXAMPLE00");
    assert_eq!(credentials.secret_access_key.expose_secret(), SECRET);
    assert_eq!(credentials.session_token.unwrap().expose_secret(), TOKEN);
    assert_eq!(
        credentials.expiration.unwrap().to_string(),
        "2026-11-20T15:00:00Z"
    );
    assert_eq!(credentials.account_id.as_deref(), Some("111122223333"));
    assert_eq!(server.lines(), [GET]);
    assert!(!server.asked()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn token_file_takes_precedence_and_is_read_every_time() {
    let server = agent(&[agent_response()]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let with_token = here(&server).with(AUTHORIZATION, "of the variable");
    let container_with_file = container(&with_token.clone().with(FILE, file.to_str().unwrap()));
    for token in ["first", "second"] {
        fs::write(&file, token).unwrap();
        container_with_file.credentials().await.unwrap();
    }
    container(&with_token).credentials().await.unwrap();
    let asked = server.asked();
    let sent: Vec<&str> = asked
        .iter()
        .map(|asked| asked.headers["authorization"].as_str())
        .collect();
    assert_eq!(sent, ["first", "second", "of the variable"]);
    let debug = format!("{:?}", container(&with_token));
    assert!(!debug.contains("of the variable"), "{debug}");
}

#[tokio::test]
async fn transient_failures_are_retried() {
    for passing in [
        Reply::status(500, ""),
        Reply::status(429, ""),
        Reply::broken(),
    ] {
        let server = agent(&[agent_response(), passing.times(2)]).await;
        container(&here(&server)).credentials().await.unwrap();
        assert_eq!(server.lines().len(), 3);
    }
}

#[tokio::test]
async fn https_endpoint_is_verified_with_the_ca_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(folder.path()).unwrap();
    let server = Server::start_with([(GET, agent_response())], Some(acceptor(&certificates))).await;
    let bundle = certificates.ca.to_str().unwrap();
    let trusting = here(&server).with("AWS_CA_BUNDLE", bundle);
    container(&trusting).credentials().await.unwrap();
    assert_eq!(server.lines(), [GET]);
}

pub(crate) fn acceptor(certificates: &Certificates) -> TlsAcceptor {
    let read = |path: &Path| {
        CertificateDer::pem_file_iter(path)
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    let key = PrivateKeyDer::from_pem_file(&certificates.server_key).unwrap();
    let ring = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(read(&certificates.server), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
