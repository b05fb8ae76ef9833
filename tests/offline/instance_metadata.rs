//! Instance metadata and container credential endpoints that fail: messages, number of requests, and timeouts.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod container_credentials;
mod container_faults;
mod imds;
mod imds_faults;
mod scripted_server;

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use awsauth_aws::imds::{Fetched, Imds, ImdsError, Settings};
use awsauth_aws::{AwsEnvironment, Machine};
use jiff::Timestamp;
use scripted_server::{Reply, Server};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const SECRET: &str = "oqfqoufbqow/qwobOUBuIViyciycIY7ivy7gcUCj";
pub(crate) const TOKEN: &str = "FQoDYXdzEID//////////wEaDMb+nhXW1CzKSssr7iK3A6xO";

pub(crate) const PUT: &str = "PUT /latest/api/token";
pub(crate) const LIST: &str = "GET /latest/meta-data/iam/security-credentials/";
pub(crate) const ROLE: &str = "GET /latest/meta-data/iam/security-credentials/mytestrole";
pub(crate) const INFO: &str = "GET /latest/meta-data/iam/info";
pub(crate) const ID: &str = "GET /latest/meta-data/instance-id";
pub(crate) const REGION: &str = "GET /latest/meta-data/placement/region";

pub(crate) const SESSION: &str = "AQAEALX-session-token==";

/// Longer than any run that keeps its limit of two seconds, even on a slow machine.
const CEILING: Duration = Duration::from_secs(60);

pub(crate) fn issued() -> Value {
    json!({
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-11-20T09:00:00Z",
        "AccessKeyId": "ASIAEXAMPLEEXAMPLE00", "SecretAccessKey": SECRET, "Token": TOKEN,
        "Expiration": "2026-11-20T15:00:00Z",
    })
}

pub(crate) fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

/// An instance with a profile and a role, whose metadata service requires a session. Later replies replace earlier
/// ones.
pub(crate) async fn instance(replies: &[(&str, Reply)]) -> Server {
    let usual = [
        (PUT, Reply::ok(SESSION)),
        (LIST, Reply::ok("mytestrole").with_session()),
        (ROLE, Reply::ok(&issued().to_string()).with_session()),
        (ID, Reply::ok("i-0123456789abcdef0").with_session()),
        (REGION, Reply::ok("eu-west-1").with_session()),
    ];
    Server::start(usual.into_iter().chain(replies.iter().cloned())).await
}

pub(crate) fn aws_environment(server: &Server) -> AwsEnvironment {
    AwsEnvironment::default().with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &server.url)
}

/// A client on a machine of which only these files are known. They are removed with the folder.
pub(crate) fn imds(aws_environment: &AwsEnvironment, files: &[(&str, &str)]) -> (Imds, TempDir) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let settings = Settings::of(aws_environment, |_| None).unwrap();
    let machine = Machine::of(&AwsEnvironment::default()).rooted(root.path());
    (Imds::new(settings.on(machine)), root)
}

pub(crate) async fn fetch(server: &Server) -> Result<Fetched, ImdsError> {
    fetch_on(server, &[]).await
}

/// A client in a container.
pub(crate) async fn fetch_in_container(server: &Server) -> Result<Fetched, ImdsError> {
    fetch_on(server, &[(".dockerenv", "")]).await
}

pub(crate) async fn fetch_on(
    server: &Server,
    files: &[(&str, &str)],
) -> Result<Fetched, ImdsError> {
    let (mut imds, _root) = imds(&aws_environment(server), files);
    let begun = Instant::now();
    let fetched = imds.credentials(now()).await;
    assert!(begun.elapsed() < CEILING);
    fetched
}

/// Returns the full text of an error: message, causes and hint. Asserts that it contains no secret.
pub(crate) fn shown(error: &dyn Error, hint: &str) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    for secret in [SECRET, TOKEN, SESSION] {
        assert!(
            !format!("{error:?}{text}{hint}").contains(secret),
            "{error:?}"
        );
    }
    format!("{text}\nhint: {hint}")
}

pub(crate) fn shown_by_imds(failed: Result<Fetched, ImdsError>) -> String {
    let error = failed.unwrap_err();
    shown(&error, &error.hint())
}
