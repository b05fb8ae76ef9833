//! Profiles, credential processes, and missing credentials.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use awsauth_aws::credentials::{CredentialOptions, Source, SourceChoice};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::credentials::harness::{Harness, error_text, fails, get};

fn profile(name: &str) -> CredentialOptions {
    CredentialOptions {
        profile: Some(name.into()),
        ..CredentialOptions::default()
    }
}

/// Asserts the error for profile p with this config file.
fn check(harness: &Harness, config: &str, expected: &str) {
    let path = harness.file("config", config);
    let here = harness.here().with("AWS_CONFIG_FILE", &path);
    let message = fails(&here, &profile("p"));
    assert_eq!(message, expected.replace("CONFIG", &path), "{config}");
}

#[test]
fn unusable_profile_is_explained() {
    let harness = Harness::new();
    let credentials = harness.home().join(".aws/credentials");
    let role = "role_arn = arn:aws:iam::111122223333:role/x\n";
    check(
        &harness,
        "[profile a]\n[default]\n",
        &format!(
            "config file: there is no profile p in CONFIG and {}\n\
             hint: name one of these with --profile or AWS_PROFILE: a, default",
            credentials.display()
        ),
    );
    check(
        &harness,
        "[profile p]\nregion eu-west-1\n",
        "CONFIG: line 2 is neither a [section] nor an option = value\nhint: correct that line",
    );
    check(
        &harness,
        "[profile p]\naws_access_key_id = AKID\n",
        "config file: aws_access_key_id of profile p is set, but aws_secret_access_key is not\n\
         hint: also set aws_secret_access_key, or remove aws_access_key_id of profile p",
    );
    check(
        &harness,
        &format!("[profile p]\n{role}"),
        "role of a profile: profile p has a role_arn, but neither source_profile nor credential_source\n\
         hint: name the credentials that assume the role: source_profile = NAME in profile p, or credential_source = Ec2InstanceMetadata",
    );
    check(
        &harness,
        &format!("[profile p]\n{role}source_profile = a\ncredential_source = Environment\n"),
        "role of a profile: profile p has both source_profile and credential_source\n\
         hint: remove source_profile or credential_source from profile p",
    );
    check(
        &harness,
        &format!("[profile p]\n{role}source_profile = a\n"),
        "role of a profile: the source_profile a of profile p does not exist\nhint: write it: aws configure --profile a",
    );
    check(
        &harness,
        &format!("[profile p]\n{role}source_profile = a\n[profile a]\n"),
        "role of a profile: the source_profile a has no credentials\nhint: give it credentials: aws configure --profile a",
    );
    check(
        &harness,
        &format!(
            "[profile p]\n{role}source_profile = a\n[profile a]\n{role}source_profile = b\n[profile b]\n{role}source_profile = a\n"
        ),
        "role of a profile: profiles are each other's source_profile: p → a → b → a\n\
         hint: let one of them refer to a profile with credentials of its own",
    );
    check(
        &harness,
        &format!("[profile p]\n{role}credential_source = ec2instancemetadata\n"),
        "role of a profile: credential_source ec2instancemetadata of profile p is none of Environment, EcsContainer and Ec2InstanceMetadata\n\
         hint: set credential_source of profile p to Environment, EcsContainer or Ec2InstanceMetadata, in exactly this spelling",
    );
    check(
        &harness,
        &format!("[profile p]\n{role}credential_source = EcsContainer\n"),
        "role of a profile: credential_source EcsContainer of profile p has no credentials: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI \
         nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set\n\
         hint: run awsauth in an environment with these credentials, or name another profile with --profile",
    );
    check(
        &harness,
        &format!(
            "[profile p]\n{role}source_profile = a\nmfa_serial = arn:aws:iam::111122223333:mfa/ann\n[profile a]\naws_access_key_id = A\naws_secret_access_key = s\n"
        ),
        "role of a profile: profile p requires a code from the MFA device arn:aws:iam::111122223333:mfa/ann, and awsauth cannot request one\n\
         hint: let the AWS CLI prompt for the code, and use its session for an hour: eval \"$(aws configure export-credentials --profile p --format \
         env)\"; then run this again without --profile",
    );
    check(
        &harness,
        "[profile p]\nlogin_session = arn:aws:iam::111122223333:user/ann\n",
        &format!(
            "aws login: there is no session of aws login for profile p: {} is not there\nhint: let the AWS CLI renew it: aws sts get-caller-identity --profile p; or sign in again: aws login --profile p",
            harness
                .home()
                .join(".aws/login/cache/617a42bf0cc7e52ae16d10443f260d451c255a489505091810c95d5c7ec927d1.json")
                .display()
        ),
    );
}

#[test]
fn aws_login_credentials_are_used_until_they_expire() {
    let harness = Harness::new();
    let config = harness.file(
        "config",
        "[profile p]\nlogin_session = arn:aws:iam::111122223333:user/ann\n",
    );
    let here = harness
        .here()
        .with("AWS_CONFIG_FILE", &config)
        .with("AWS_LOGIN_CACHE_DIRECTORY", "~/left");
    let leave = |token: &str| {
        harness.file(
            "left/617a42bf0cc7e52ae16d10443f260d451c255a489505091810c95d5c7ec927d1.json",
            &format!("{{\"accessToken\": {token}}}"),
        )
    };
    let token = r#"{"accessKeyId": "ASIAX", "secretAccessKey": "s\/", "sessionToken": "t", "accountId": "111122223333", "expiresAt": "2099-01-01T00:00:00Z"}"#;
    leave(token);
    let resolved =
        get(&here, &profile("p")).unwrap_or_else(|error| panic!("{}", error_text(&error)));
    let credentials = resolved.credentials;
    assert_eq!(resolved.source, Source::Login);
    assert_eq!(credentials.access_key_id, "ASIAX");
    assert_eq!(credentials.secret_access_key.expose_secret(), "s/");
    assert_eq!(credentials.account_id.as_deref(), Some("111122223333"));
    leave(&token.replace("2099", "2020"));
    assert_eq!(
        fails(&here, &profile("p")),
        "aws login: there is no session of aws login for profile p: it ended at 2020-01-01T00:00:00Z\nhint: let the AWS CLI renew it: aws sts get-caller-identity --profile p; or sign in again: aws login --profile p"
    );
    leave("{}");
    let message = fails(&here, &profile("p"));
    assert!(
        message.contains("holds no credentials\nhint: let the AWS CLI renew it: aws sts get-caller-identity --profile p; or sign in again: aws login --profile p"),
        "{message}"
    );
}

#[test]
fn missing_profile_hint_writes_the_first_profile() {
    let harness = Harness::new();
    let message = fails(&harness.here(), &profile("p"));
    assert!(
        message.ends_with("hint: there are no profiles; create one: aws configure --profile NAME"),
        "{message}"
    );
}

/// Writes a program that is the credential_process of profile p.
fn process(harness: &Harness, script: &str) -> (String, crate::support::environment::Environment) {
    let program = harness.file("give credentials", &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("its mode");
    let config = harness.file(
        "config",
        &format!("[profile p]\ncredential_process = \"{program}\" --for 'a b'\naws_account_id = 111122223333\n"),
    );
    (program, harness.here().with("AWS_CONFIG_FILE", &config))
}

#[test]
fn credential_process_runs_without_a_shell() {
    let harness = Harness::new();
    let (_, here) = process(
        &harness,
        "test \"$2\" = 'a b' && test -z \"$(cat)\" || exit 9\n\
         echo '{\"Version\": 1, \"AccessKeyId\": \"ASIAX\", \"SecretAccessKey\": \"s\", \"SessionToken\": \"t\", \"Expiration\": \"2099-01-01T00:00:00Z\"}'",
    );
    let resolved =
        get(&here, &profile("p")).unwrap_or_else(|error| panic!("{}", error_text(&error)));
    let credentials = resolved.credentials;
    assert_eq!(resolved.source, Source::Process);
    assert_eq!(credentials.access_key_id, "ASIAX");
    assert_eq!(credentials.session_token.unwrap().expose_secret(), "t");
    assert_eq!(
        credentials.expiration,
        "2099-01-01T00:00:00Z".parse::<Timestamp>().ok()
    );
    assert_eq!(credentials.account_id.as_deref(), Some("111122223333"));
}

#[test]
fn failed_credential_process_is_explained_without_its_output() {
    let harness = Harness::new();
    for (script, expected) in [
        (
            "exit 3",
            "credential_process PROGRAM failed with exit status: 3",
        ),
        (
            "kill -9 $$",
            "credential_process PROGRAM failed with signal: 9 (SIGKILL)",
        ),
        (
            "echo hidden",
            "what credential_process PROGRAM printed cannot be used: it is not credential_process JSON",
        ),
        (
            "echo '{\"Version\": 2, \"AccessKeyId\": \"hidden\"}'",
            "what credential_process PROGRAM printed cannot be used: its Version is not 1",
        ),
        (
            "echo '{\"Version\": 1, \"AccessKeyId\": \"hidden\"}'",
            "what credential_process PROGRAM printed cannot be used: its SecretAccessKey is missing",
        ),
        (
            "echo '{\"Version\": 1, \"AccessKeyId\": \"a\", \"SecretAccessKey\": \"hidden\", \"Expiration\": \"soon\"}'",
            "what credential_process PROGRAM printed cannot be used: its Expiration is not an RFC 3339 timestamp",
        ),
    ] {
        let (program, here) = process(&harness, script);
        let message = fails(&here, &profile("p"));
        assert_eq!(
            message,
            format!(
                "credential process: {}\nhint: run the profile's credential_process by itself; it must print \
                 {{\"Version\": 1, \"AccessKeyId\": …, \"SecretAccessKey\": …}}",
                expected.replace("PROGRAM", &program)
            )
        );
    }
    let (_, here) = process(
        &harness,
        "echo '{\"Version\": 1, \"AccessKeyId\": \"a\", \"SecretAccessKey\": \"s\", \"Expiration\": \"2020-01-01T00:00:00Z\"}'",
    );
    assert_eq!(
        fails(&here, &profile("p")),
        "credential process: the credentials expired at 2020-01-01T00:00:00Z\n\
         hint: get new ones from the same source, or check this machine's clock: date -u"
    );
    for (line, expected) in [
        (
            "~/bin/x",
            "credential_process ~/bin/x cannot be run: No such file or directory (os error 2)",
        ),
        (
            "'x",
            "credential_process is not a valid command line: a quote is not closed",
        ),
        ("", "credential_process is not a valid command line"),
    ] {
        let config = harness.file(
            "config",
            &format!("[profile p]\ncredential_process = {line}\n"),
        );
        let here = harness.here().with("AWS_CONFIG_FILE", &config);
        let message = fails(&here, &profile("p"));
        assert!(
            message.starts_with(&format!("credential process: {expected}\nhint: ")),
            "{message}"
        );
    }
}

#[test]
fn missing_credentials_list_the_reason_of_every_source() {
    let harness = Harness::new();
    let here = harness.here();
    let error = get(&here, &CredentialOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "no AWS credentials were found");
    assert!(!error.is_input());
    let home = harness.home();
    let tried: Vec<_> = error.tried.iter().map(ToString::to_string).collect();
    let missing = |file: &str| format!("{}/.aws/{file}: it is not there", home.display());
    let (config, credentials) = (missing("config"), missing("credentials"));
    assert_eq!(
        tried,
        [
            "environment variables: AWS_ACCESS_KEY_ID is not set",
            &format!("role of a profile: {config}"),
            "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set, and profile default has no web_identity_token_file",
            &format!("IAM Identity Center: {config}"),
            &format!("credentials file: {credentials}"),
            &format!("aws login: {config}"),
            &format!("credential process: {config}"),
            &format!("config file: {config}"),
            "container credentials: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set",
            "instance metadata: instance metadata is disabled: AWS_EC2_METADATA_DISABLED is true",
        ]
    );
    let pinned = |source| CredentialOptions {
        source: Some(source),
        ..CredentialOptions::default()
    };
    assert_eq!(
        fails(&here, &pinned(SourceChoice::Instance)),
        "instance metadata: instance metadata is disabled: AWS_EC2_METADATA_DISABLED is true\n\
         hint: enable it: unset AWS_EC2_METADATA_DISABLED"
    );
    let error = get(&here, &pinned(SourceChoice::Container)).unwrap_err();
    assert_eq!(error.tried.len(), 1);
    assert_eq!(error.tried[0].source, Source::Container);
}
