//! Tokens are identical to those of `aws eks get-token`, which botocore signs.

use std::io::Write;
use std::process::Stdio;
use std::thread;

use crate::support::program_output;
use crate::support::python::Packages;
use awsauth_core::facts::partitions::{GLOBAL_REGION, Partition};
use awsauth_core::token::{Credentials, Endpoint, StsHost, Token};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::json;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/presign.py");

const REGIONS: [&str; 12] = [
    "us-east-1",
    "us-west-2",
    "eu-central-1",
    "mx-central-1",
    "cn-northwest-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "us-isof-south-1",
    "eusc-de-east-1",
    GLOBAL_REGION,
];

struct Request {
    region: &'static str,
    endpoint: Endpoint,
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
    cluster: String,
    now: Timestamp,
}

impl Request {
    fn random(rng: &mut fastrand::Rng) -> Self {
        let region = rng.choice(REGIONS).expect("a region");
        let text = |rng: &mut fastrand::Rng, letters: &[u8], most: usize| -> String {
            (0..rng.usize(1..most))
                .map(|_| char::from(letters[rng.usize(..letters.len())]))
                .collect()
        };
        let base64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
        let has_dual_stack = Partition::of_region(region).has_dual_stack_tokens;
        let session = rng.bool().then(|| text(rng, base64, 2000));
        Self {
            region,
            // Without a region, there is only the global endpoint.
            endpoint: Endpoint {
                fips: region != GLOBAL_REGION && rng.bool(),
                dual_stack: region != GLOBAL_REGION && has_dual_stack && rng.bool(),
            },
            access_key: text(rng, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 128),
            secret_key: text(rng, base64, 60),
            session_token: session,
            cluster: format!("c{} é", text(rng, b"abcXYZ019-_.:/ ", 100)),
            now: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(rng.i64(0..4_000_000_000)),
        }
    }

    /// Returns the URL in our token.
    fn url(&self) -> String {
        let credentials = Credentials {
            access_key_id: self.access_key.clone(),
            secret_access_key: self.secret_key.as_str().into(),
            session_token: self.session_token.as_deref().map(Into::into),
            expiration: None,
            account_id: None,
        };
        let host = StsHost::of(self.region, self.endpoint).expect("a region");
        let token = Token::sign(&credentials, &host, &self.cluster, self.now);
        let text = token.text.expose_secret();
        let url = text.strip_prefix("k8s-aws-v1.").expect("the prefix");
        let url = BASE64_URL_SAFE_NO_PAD.decode(url).expect("base64");
        String::from_utf8(url).expect("UTF-8")
    }
}

/// Returns botocore's URL for each request.
fn botocore(requests: &[Request]) -> Vec<String> {
    let lines: String = requests
        .iter()
        .map(|request| {
            let line = json!({
                "region": request.region,
                "fips": request.endpoint.fips,
                "dual_stack": request.endpoint.dual_stack,
                "access_key": request.access_key,
                "secret_key": request.secret_key,
                "session_token": request.session_token,
                "cluster": request.cluster,
                "now": request.now.as_second(),
            });
            format!("{line}\n")
        })
        .collect();
    let mut python = Packages::Botocore.python();
    python
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = python.spawn().expect("python can be run");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let fed = thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let done = program_output::ended(child);
    assert!(done.status.success(), "botocore failed: {}", done.status);
    fed.join()
        .expect("a thread")
        .expect("python reads its input");
    let urls = String::from_utf8(done.stdout).expect("UTF-8");
    urls.lines().map(str::to_owned).collect()
}

/// Returns the URL with sorted parameters.
fn sorted(url: &str) -> String {
    let (host, query) = url.split_once('?').expect("a query");
    let mut parameters: Vec<&str> = query.split('&').collect();
    parameters.sort_unstable();
    format!("{host}?{}", parameters.join("&"))
}

#[test]
fn tokens_match_those_of_botocore() {
    let mut rng = fastrand::Rng::with_seed(78);
    let requests: Vec<Request> = (0..400).map(|_| Request::random(&mut rng)).collect();
    let theirs = botocore(&requests);
    assert_eq!(theirs.len(), requests.len());
    for (request, theirs) in requests.iter().zip(theirs) {
        let ours = request.url();
        if request.session_token.is_none() {
            assert_eq!(ours, theirs);
        }
        // botocore puts the session token after the signed headers.
        assert_eq!(sorted(&ours), sorted(&theirs));
    }
}
