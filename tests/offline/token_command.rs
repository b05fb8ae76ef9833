//! `awsauth token` and `awsauth eks get-token` with credentials from the environment, run as kubectl runs them.
//!
//! No network is needed. `tests/simulated_aws/eks_cluster` uses the tokens at an API server.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs::File;
use std::path::Path;

use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::secrets::Prints;
use awsauth_core::token::{Authenticator, EXEC_INFO, PresignedRequest};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;

const SECRETS: [&str; 2] = ["hushed-secret-key", "hushed/session+token=="];

fn environment() -> Environment {
    Environment::new(Path::new("/nowhere"))
        .with("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", SECRETS[0])
        .with("AWS_SESSION_TOKEN", SECRETS[1])
        .with("AWS_REGION", "eu-west-1")
}

fn command(environment: &Environment, args: &[&str]) -> std::process::Command {
    let mut command = environment.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
    command.args(args);
    command
}

/// Asserts that the output contains no secret except the token, which is only on stdout.
fn run(environment: &Environment, args: &[&str]) -> Run {
    Run::that_prints(Prints::Token, &mut command(environment, args))
}

/// Returns the request that the authenticator of a cluster in eu-west-1 reads from a token.
fn read(token: &str) -> PresignedRequest {
    let authenticator = Authenticator {
        partition: "aws",
        region: "eu-west-1",
    };
    authenticator.read(token, Timestamp::now()).unwrap()
}

/// Returns the token of an ExecCredential and its expiration.
fn token(run: &Run) -> (PresignedRequest, Timestamp) {
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_eq!(run.stdout.lines().count(), 1);
    let credential = run.json();
    assert_eq!(credential["kind"], "ExecCredential");
    let end = credential["status"]["expirationTimestamp"]
        .as_str()
        .unwrap();
    let token = credential["status"]["token"].as_str().unwrap();
    (read(token), end.parse().unwrap())
}

#[test]
fn every_command_form_prints_the_same_token() {
    let words = [
        &["token", "--cluster-name", "prod"][..],
        &["token", "--cluster-id", "prod"],
        &["token", "-i", "prod"],
        &["token", "-iprod"],
        &["token", "-i", "prod", "--region", "eu-west-1"],
        &["--quiet", "token", "-i", "prod"],
        &["eks", "get-token", "--cluster-name", "prod"],
        &["eks", "get-token", "--cluster-id=prod", "--output=json"],
        &[
            "--region",
            "eu-west-1",
            "eks",
            "get-token",
            "--cluster-name",
            "prod",
            "--output",
            "json",
        ],
        &[
            "eks",
            "--region",
            "eu-west-1",
            "get-token",
            "--cluster-name",
            "prod",
        ],
        // aws-iam-authenticator
        &["-i", "prod", "token"],
        &["-l", "json", "-v", "debug", "token", "-i=prod", "--cache"],
        &[
            "token",
            "-v",
            "info",
            "-i",
            "prod",
            "--cache=false",
            "--log-format=text",
        ],
    ];
    // With any `AWSAUTH_…` variable, the fast path is not used.
    let environments = [environment(), environment().with("AWSAUTH_COLOR", "never")];
    for environment in environments {
        for args in words {
            let before = Timestamp::now();
            let (presigned, end) = token(&run(&environment, args));
            assert_eq!(presigned.host, "sts.eu-west-1.amazonaws.com", "{args:?}");
            assert_eq!(presigned.access_key_id, "ASIAEXAMPLE");
            let signed = presigned.signed;
            assert!(before.as_second() <= signed.as_second() && signed <= Timestamp::now());
            assert_eq!(end, signed + SignedDuration::from_mins(14));
            assert!(
                presigned
                    .url
                    .expose_secret()
                    .contains("&X-Amz-Security-Token=hushed%2Fsession%2Btoken%3D%3D&")
            );
        }
    }
}

#[test]
fn awsauth_variables_replace_options() {
    let environment = environment()
        .with("AWSAUTH_CLUSTER_NAME", "prod")
        .with("AWSAUTH_REGION", "us-west-2");
    let (presigned, _) = token(&run(&environment, &["token"]));
    assert_eq!(presigned.host, "sts.us-west-2.amazonaws.com");
    // The options of `eks get-token` have no variables.
    run(&environment, &["eks", "get-token"]).says(2, &["--cluster-name <NAME>"]);
    let (presigned, _) = token(&run(
        &environment,
        &["eks", "get-token", "--cluster-name", "c"],
    ));
    assert_eq!(presigned.host, "sts.eu-west-1.amazonaws.com");
}

#[test]
fn environment_selects_the_sts_endpoint() {
    for (variables, host) in [
        (&[("AWS_REGION", "")][..], "sts.us-east-1.amazonaws.com"),
        (
            &[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "eu-north-1")],
            "sts.eu-north-1.amazonaws.com",
        ),
        (
            &[("AWS_DEFAULT_REGION", "eu-north-1")],
            "sts.eu-west-1.amazonaws.com",
        ),
        (&[("AWS_REGION", "aws-global")], "sts.amazonaws.com"),
        (
            &[("AWS_USE_FIPS_ENDPOINT", "true")],
            "sts-fips.eu-west-1.amazonaws.com",
        ),
        (
            &[("AWS_USE_DUALSTACK_ENDPOINT", "true")],
            "sts.eu-west-1.api.aws",
        ),
        (
            &[("AWS_USE_DUALSTACK_ENDPOINT", "false")],
            "sts.eu-west-1.amazonaws.com",
        ),
        // The authenticator rejects tokens for other hosts.
        (
            &[("AWS_ENDPOINT_URL_STS", "https://sts.example.com")],
            "sts.eu-west-1.amazonaws.com",
        ),
    ] {
        let environment = variables
            .iter()
            .fold(environment(), |environment, (name, value)| {
                environment.with(name, value)
            });
        let (presigned, _) = token(&run(&environment, &["token", "-i", "prod"]));
        assert_eq!(presigned.host, host, "{variables:?}");
    }
}

#[test]
fn token_expires_with_its_credentials() {
    let end = Timestamp::now() + SignedDuration::from_mins(5);
    let environment = environment().with("AWS_CREDENTIAL_EXPIRATION", &end.to_string());
    let (_, stated) = token(&run(&environment, &["token", "-i", "prod"]));
    let early = end - SignedDuration::from_mins(1);
    assert_eq!(stated.as_second(), early.as_second());
}

#[test]
fn client_gets_the_requested_api_version_and_a_warning_on_an_unknown_one() {
    let ask = |version: &str| {
        let info = format!(
            r#"{{"kind":"ExecCredential","apiVersion":"{version}","spec":{{"interactive":true}}}}"#
        );
        run(
            &environment().with(EXEC_INFO, &info),
            &["token", "-i", "prod"],
        )
    };
    for version in [
        "client.authentication.k8s.io/v1",
        "client.authentication.k8s.io/v1beta1",
    ] {
        let run = ask(version);
        token(&run);
        assert_eq!(run.json()["apiVersion"], version);
    }
    let old = ask("client.authentication.k8s.io/v1alpha1");
    assert_eq!(
        old.json()["apiVersion"],
        "client.authentication.k8s.io/v1alpha1"
    );
    old.says(0, &[
        "warning: KUBERNETES_EXEC_INFO requests client.authentication.k8s.io/v1alpha1; kubectl 1.24 and newer accept only",
        "hint: kubectl config set-credentials USER --exec-api-version=client.authentication.k8s.io/v1beta1",
    ]);
    let none = run(
        &environment().with(EXEC_INFO, "{}"),
        &["token", "-i", "prod"],
    );
    none.says(0, &["warning: KUBERNETES_EXEC_INFO names no apiVersion"]);
    assert!(none.json().get("apiVersion").is_none());
}

#[test]
fn malformed_exec_info_is_reported_and_v1beta1_is_used() {
    let environment = environment().with(EXEC_INFO, "{oops");
    let run = run(&environment, &["token", "-i", "prod"]);
    run.says(
        0,
        &[
            "warning: KUBERNETES_EXEC_INFO is not an ExecCredential (key must be a string at line 1 column 2)",
            "client.authentication.k8s.io/v1beta1",
            "hint: ",
        ],
    );
    assert_eq!(
        run.json()["apiVersion"],
        "client.authentication.k8s.io/v1beta1"
    );
}

#[test]
fn variables_of_the_authenticator_are_honored_without_cluster_name() {
    let role = "arn:aws:iam::111122223333:role/a";
    // No server listens at this address.
    let environment = environment()
        .with("KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID", "prod")
        .with("HTTPS_PROXY", "http://127.0.0.1:1")
        .with("AWS_MAX_ATTEMPTS", "1")
        .with("CI", "true");
    token(&run(&environment, &["token"]));
    let with_role = environment.with("DEFAULT_ROLE", role);
    for args in [
        &["token"][..],
        &["token", "-i", "dev"],
        &["-l", "json", "token"],
    ] {
        run(&with_role, args).says(3, &["cannot create a token for cluster", role]);
    }
    run(&with_role, &["token"]).says(3, &["for cluster \"prod\""]);
    run(&with_role, &["token", "-i", "dev"]).says(3, &["for cluster \"dev\""]);
    token(&run(&with_role, &["token", "--cluster-name", "prod"]));
    token(&run(
        &with_role,
        &["eks", "get-token", "--cluster-name", "prod"],
    ));
    let named = with_role.with("AWSAUTH_CLUSTER_NAME", "prod");
    token(&run(&named, &["token"]));
}

/// As in aws-iam-authenticator, options take precedence over variables, and variables over the file.
#[test]
fn configuration_file_of_the_authenticator_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let file = path.to_str().unwrap();
    let environment = environment()
        .with("HTTPS_PROXY", "http://127.0.0.1:1")
        .with("AWS_MAX_ATTEMPTS", "1")
        .with("CI", "true");
    let written = |text: &str| std::fs::write(&path, text).unwrap();
    written("clusterid: prod\nregion: us-west-2\ntokenOnly: false\nserver:\n  port: 21362\n");
    for args in [&["token", "-c", file][..], &["--config", file, "token"]] {
        let (presigned, _) = token(&run(&environment, args));
        assert_eq!(presigned.host, "sts.us-west-2.amazonaws.com");
    }
    let (presigned, _) = token(&run(
        &environment,
        &["token", "-c", file, "--region", "eu-west-1"],
    ));
    assert_eq!(presigned.host, "sts.eu-west-1.amazonaws.com");
    written("clusterID: prod\nrole: arn:aws:iam::111122223333:role/a\n");
    run(&environment, &["token", "-c", file]).says(
        3,
        &["for cluster \"prod\"", "arn:aws:iam::111122223333:role/a"],
    );
    written("{clusterID: prod, tokenOnly: true}");
    let only = run(&environment, &["token", "-c", file]);
    assert_eq!((only.status, only.stderr.as_str()), (0, ""));
    read(only.stdout.trim_end());
    written("clusterID: [prod");
    run(&environment, &["token", "-c", file])
        .says(2, &["cannot read the configuration file", "line 1"]);
    run(&environment, &["token", "-c", "missing.yaml"])
        .says(2, &["cannot read the configuration file missing.yaml"]);
    written("clusterID: prod\nrole: arn:aws:iam::111122223333:role/a\n");
    let with_id = environment.with("KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID", "dev");
    run(&with_id, &["token", "-c", file]).says(3, &["for cluster \"dev\""]);
}

#[test]
fn bare_token_is_printed_on_request() {
    let run = run(&environment(), &["token", "-i", "prod", "--token-only"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    read(run.stdout.strip_suffix('\n').unwrap());
}

#[test]
fn oversized_token_is_printed_with_a_warning() {
    let environment = environment().with("AWS_SESSION_TOKEN", &"x".repeat(3_000));
    for args in [
        &["token", "-i", "prod"][..],
        &["token", "-i", "prod", "--token-only"],
    ] {
        let run = run(&environment, args);
        run.says(0, &["the authenticator accepts at most 4096", "--role-arn"]);
        assert!(run.stdout.len() > 4096);
    }
}

#[test]
fn missing_credentials_are_named() {
    let none = Environment::new(Path::new("/nowhere")).with("AWS_EC2_METADATA_DISABLED", "true");
    let missing = run(&none, &["token", "-i", "prod"]);
    missing.says(
        3,
        &[
            "error: cannot create a token for cluster \"prod\": ",
            "AWS_ACCESS_KEY_ID",
            "hint: ",
        ],
    );
    assert_eq!(missing.stdout, "");
    let half = none.with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    run(&half, &["eks", "get-token", "--cluster-name", "prod"])
        .says(2, &["AWS_SECRET_ACCESS_KEY", "hint: "]);
}

#[test]
fn write_error_on_stdout_fails() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = command(&environment(), &["token", "-i", "prod"]);
    Run::of(command.stdout(full)).says(74, &["error: cannot write the output"]);
}

#[test]
fn failed_role_assumption_prints_no_token() {
    let role = "arn:aws:iam::111122223333:role/a";
    // No server listens at this address.
    let environment = environment()
        .with("HTTPS_PROXY", "http://127.0.0.1:1")
        .with("AWS_MAX_ATTEMPTS", "1")
        .with("CI", "true");
    for args in [
        &["token", "-i", "prod", "-r", role][..],
        &["token", "-i", "prod", "--role", role],
        &["eks", "get-token", "--cluster-name", "prod", "--role", role],
        &[
            "eks",
            "get-token",
            "--cluster-name",
            "prod",
            "--role-arn",
            role,
        ],
    ] {
        let run = run(&environment, args);
        run.says(3, &["cannot create a token for cluster \"prod\"", role]);
        assert_eq!(run.stdout, "");
    }
}

/// The command of docs/exec-plugin.md replaces only the two programs that awsauth replaces.
#[test]
fn documented_sed_switches_kubeconfigs_of_both_tools() {
    let page = include_str!("../../docs/exec-plugin.md");
    let line = page.lines().find(|line| line.starts_with("sed -i.bak "));
    let line = line.unwrap().replace("~/.kube/config", "config");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let before = "\
command: aws
command: aws-iam-authenticator
command: \"aws-iam-authenticator\"
command: /usr/local/bin/aws
command: gke-gcloud-auth-plugin
command: saml2aws
args: [command, aws]
";
    std::fs::write(&file, before).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_awsauth"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-ec", &line]).current_dir(folder.path());
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    Run::of(shell.env("PATH", path)).says(0, &[]);
    let ours = format!("command: {}\n", program.display());
    let rest = before.lines().skip(4).map(|line| format!("{line}\n"));
    let expected = ours.repeat(4) + &rest.collect::<String>();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
}
