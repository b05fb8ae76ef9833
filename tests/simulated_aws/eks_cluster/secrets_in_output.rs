//! Tests that `tests/support/secrets.rs` finds secrets in output.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE_SESSION};
use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::secrets::{self, Prints};
use crate::support::simulated_aws::ACCOUNT;

#[test]
fn secret_in_output_is_detected() {
    let session = ExclusiveCluster::start();
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
    // Two secrets from elsewhere: a variable and a file.
    let of_variable = "a+variable's/own";
    let environment = Environment::new(Path::new("/")).with("AWS_SECRET_ACCESS_KEY", of_variable);
    let of_file = "a/file's+own";
    secrets::know_lines(&format!("[default]\naws_secret_access_key = {of_file}\n"));
    for secret in [
        of_variable.to_owned(),
        of_file.to_owned(),
        in_url(of_file).replace('\'', "%27"),
        user.secret_access_key,
        credentials.secret_access_key,
        in_url(&session_token),
        session_token,
        aws.web_identity("https://issuer.example.com", "somebody"),
        token.clone(),
    ] {
        for redirected in ["", ">&2"] {
            let mut command = environment.command(Path::new("/bin/sh"));
            let script = format!("printf 'it is %s!' \"$1\" {redirected}");
            command.args(["-c", &script, "sh", &secret]);
            let looked = catch_unwind(AssertUnwindSafe(|| Run::of(&mut command)));
            assert!(looked.is_err(), "{secret} {redirected}");
            let looked = catch_unwind(|| secrets::assert_none_in(&format!("it is {secret}!")));
            assert!(looked.is_err(), "{secret}");
            // A command that may print a secret prints it only on stdout.
            let may = AssertUnwindSafe(|| Run::that_prints(Prints::Credentials, &mut command));
            assert_eq!(catch_unwind(may).is_ok(), redirected.is_empty());
        }
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "printf %s \"$1\"", "sh", &token]);
    assert_eq!(Run::that_prints(Prints::Token, &mut command).stdout, token);
    let mut command = Command::new("/bin/sh");
    command.args([
        "-c",
        "printf 'tokens begin with k8s-aws-v1. and keys with AKIA'",
    ]);
    Run::of(&mut command).says(0, &[]);
}
