//! Nothing secret is said: every program that these tests run goes through `tests/support/run.rs`, which looks.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::session::{MYTESTROLE_SESSION, Session};
use crate::support::aws::ACCOUNT;

/// What would run a program past that place.
const WAYS_AROUND: [&str; 4] = [".output()", ".status()", ".spawn()", "Run::of("];

#[test]
fn no_test_runs_a_program_past_the_place_that_looks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signin");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    for file in files.filter(|file| !file.ends_with("silence.rs")) {
        let text = fs::read_to_string(&file).unwrap();
        for way in WAYS_AROUND {
            assert!(!text.contains(way), "{} has {way}", file.display());
        }
    }
}

#[test]
fn a_secret_in_what_is_said_is_found() {
    let session = Session::start();
    let aws = session.aws();
    let user = aws.user(&format!("arn:aws:iam::{ACCOUNT}:user/talkative"));
    let credentials = aws.sessions(&[MYTESTROLE_SESSION]).remove(0);
    aws.declare(
        &json!({"issuers": [{"issuer": "https://issuer.example.com", "account": ACCOUNT}]}),
    );
    let token = session.fresh_token(&credentials);
    let in_url = |secret: &str| {
        secret
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D")
    };
    let session_token = credentials.session_token.unwrap();
    for secret in [
        user.secret_access_key,
        credentials.secret_access_key,
        in_url(&session_token),
        session_token,
        aws.web_identity("https://issuer.example.com", "somebody"),
        token.clone(),
    ] {
        for redirected in ["", ">&2"] {
            let mut command = Command::new("/bin/sh");
            let script = format!("printf 'it is %s!' \"$1\" {redirected}");
            command.args(["-c", &script, "sh", &secret]);
            let looked = catch_unwind(AssertUnwindSafe(|| aws.run(&mut command)));
            assert!(looked.is_err(), "{secret} {redirected}");
        }
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "printf %s \"$1\"", "sh", &token]);
    assert_eq!(aws.run_for_token(&mut command).stdout, token);
    let mut command = Command::new("/bin/sh");
    command.args([
        "-c",
        "printf 'tokens begin with k8s-aws-v1. and keys with AKIA'",
    ]);
    aws.run(&mut command).says(0, &[]);
}
