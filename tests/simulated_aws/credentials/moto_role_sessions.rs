//! Role sessions from moto, an independent implementation of STS.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::secrets::{self, Prints};

/// The account that moto uses.
const ACCOUNT: &str = "123456789012";

struct Here {
    moto: Moto,
    home: TempDir,
}

impl Here {
    fn new() -> Self {
        Self {
            moto: Moto::start(&[]),
            home: tempfile::tempdir().expect("a folder"),
        }
    }

    fn environment(&self) -> Environment {
        Environment::new(self.home.path())
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .with("AWS_REGION", "eu-west-1")
            .with("AWS_ENDPOINT_URL", self.moto.url())
    }

    fn with_keys(&self) -> Environment {
        self.environment()
            .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .with("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
    }
}

/// Runs `credentials -o json`, and adds the secrets of the output to those that are searched for.
fn credentials(environment: &Environment, args: &[&str]) -> Value {
    let mut command = environment.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
    let args = [&["credentials", "-o", "json"], args].concat();
    let run = Run::that_prints(Prints::Credentials, command.args(args));
    run.says(0, &[]);
    let json = run.json();
    for name in ["secretAccessKey", "sessionToken"] {
        secrets::know(json[name].as_str().expect("a secret"));
    }
    assert!(
        json["accessKeyId"]
            .as_str()
            .is_some_and(|key| key.starts_with("ASIA"))
    );
    assert!(json["expiration"].is_string(), "it ends");
    json
}

fn whoami(environment: &Environment, args: &[&str]) -> Value {
    let mut command = environment.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
    let run = Run::of(command.args(["whoami", "-o", "json"]).args(args));
    run.says(0, &[]);
    run.json()
}

fn role(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

fn session(name: &str) -> String {
    format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}")
}

#[test]
fn role_chain_is_assumed_with_moto() {
    let here = Here::new();
    let environment = here.with_keys();
    let [first, second] = ["first", "second"].map(role);
    let one = ["--role-arn", &first, "--role-session-name", "one"];
    let had = credentials(&environment, &one);
    assert_eq!(had["accountId"], ACCOUNT);
    assert_eq!(whoami(&environment, &one)["arn"], session("first/one"));
    let chain = [&one[..], &["--role-arn", &second, "--duration", "15m"]].concat();
    credentials(&environment, &chain);
    assert_eq!(whoami(&environment, &chain)["arn"], session("second/one"));
}

#[test]
fn web_identity_role_is_assumed_with_moto() {
    let here = Here::new();
    let token = here.home.path().join("token");
    // {"alg":"none"}, and {"iss":"https://issuer.test","sub":"ci","aud":"sts.amazonaws.com"}.
    let text = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci50ZXN0Iiwic3ViIjoiY2kiLCJhdWQiOiJzdHMuYW1hem9uYXdzLmNvbSJ9.c2lnbmF0dXJl";
    secrets::know(text);
    fs::write(&token, text).expect("a file");
    let environment = here
        .environment()
        .with_web_identity(&role("ci"), &token)
        .with("AWS_ROLE_SESSION_NAME", "run-7");
    let had = credentials(&environment, &[]);
    assert_eq!(had["accountId"], ACCOUNT);
    assert_eq!(whoami(&environment, &[])["arn"], session("ci/run-7"));
}
