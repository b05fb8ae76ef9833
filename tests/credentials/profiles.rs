//! What is said of profiles and the programs that they name, and where nothing is found at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use awsauth::aws::credentials::{Pin, Source, Wish};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::place::{Place, fails, get, said};

fn profile(name: &str) -> Wish {
    Wish {
        profile: Some(name.into()),
        ..Wish::default()
    }
}

/// With this as config file, the profile p says so.
fn check(place: &Place, config: &str, expected: &str) {
    let path = place.file("config", config);
    let here = place.here().with("AWS_CONFIG_FILE", &path);
    let said = fails(&here, &profile("p"));
    assert_eq!(said, expected.replace("CONFIG", &path), "{config}");
}

#[test]
fn a_profile_that_cannot_be_used_is_explained() {
    let place = Place::new();
    let credentials = place.home().join(".aws/credentials");
    let role = "role_arn = arn:aws:iam::111122223333:role/x\n";
    check(
        &place,
        "[profile a]\n[default]\n",
        &format!(
            "config file: there is no profile p in CONFIG and {}\n\
             hint: name one of these with --profile or AWS_PROFILE: a, default",
            credentials.display()
        ),
    );
    check(
        &place,
        "[profile p]\nregion eu-west-1\n",
        "CONFIG: line 2 is neither a [section] nor an option = value\nhint: correct that line",
    );
    check(
        &place,
        "[profile p]\naws_access_key_id = AKID\n",
        "config file: aws_access_key_id of profile p is set, but aws_secret_access_key is not\n\
         hint: set aws_secret_access_key too, or remove aws_access_key_id of profile p",
    );
    check(
        &place,
        &format!("[profile p]\n{role}"),
        "role of a profile: profile p has a role_arn, but neither source_profile nor credential_source\n\
         hint: say whose credentials assume the role: source_profile = NAME in profile p, or credential_source = Ec2InstanceMetadata",
    );
    check(
        &place,
        &format!("[profile p]\n{role}source_profile = a\ncredential_source = Environment\n"),
        "role of a profile: profile p has both source_profile and credential_source\n\
         hint: remove source_profile or credential_source from profile p",
    );
    check(
        &place,
        &format!("[profile p]\n{role}source_profile = a\n"),
        "role of a profile: the source_profile a of profile p does not exist\nhint: write it: aws configure --profile a",
    );
    check(
        &place,
        &format!("[profile p]\n{role}source_profile = a\n[profile a]\n"),
        "role of a profile: the source_profile a has no credentials\nhint: give it credentials: aws configure --profile a",
    );
    check(
        &place,
        &format!(
            "[profile p]\n{role}source_profile = a\n[profile a]\n{role}source_profile = b\n[profile b]\n{role}source_profile = a\n"
        ),
        "role of a profile: profiles are each other's source_profile: p → a → b → a\n\
         hint: let one of them name a profile with credentials of its own",
    );
    check(
        &place,
        &format!("[profile p]\n{role}credential_source = ec2instancemetadata\n"),
        "role of a profile: credential_source ec2instancemetadata of profile p is none of Environment, EcsContainer and Ec2InstanceMetadata\n\
         hint: set credential_source of profile p to Environment, EcsContainer or Ec2InstanceMetadata, letter for letter",
    );
    check(
        &place,
        &format!("[profile p]\n{role}credential_source = EcsContainer\n"),
        "role of a profile: credential_source EcsContainer of profile p has no credentials: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI \
         nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set\n\
         hint: run where these credentials are, or name another profile with --profile",
    );
    check(
        &place,
        &format!(
            "[profile p]\n{role}source_profile = a\nmfa_serial = arn:aws:iam::111122223333:mfa/ann\n[profile a]\naws_access_key_id = A\naws_secret_access_key = s\n"
        ),
        "role of a profile: profile p asks for a code of the MFA device arn:aws:iam::111122223333:mfa/ann, and nobody can be asked for it here\n\
         hint: let the aws CLI ask for the code, and use what it gets for an hour: eval \"$(aws configure export-credentials --profile p --format \
         env)\"; then run this again without --profile",
    );
    check(
        &place,
        "[profile p]\nlogin_session = arn:aws:iam::111122223333:user/ann\n",
        &format!(
            "aws login: there is no session of aws login for profile p: {} is not there\nhint: let the aws CLI renew it: aws sts get-caller-identity --profile p; or sign in again: aws login --profile p",
            place
                .home()
                .join(".aws/login/cache/617a42bf0cc7e52ae16d10443f260d451c255a489505091810c95d5c7ec927d1.json")
                .display()
        ),
    );
}

#[test]
fn what_aws_login_left_serves_while_it_lasts() {
    let place = Place::new();
    let config = place.file(
        "config",
        "[profile p]\nlogin_session = arn:aws:iam::111122223333:user/ann\n",
    );
    let here = place
        .here()
        .with("AWS_CONFIG_FILE", &config)
        .with("AWS_LOGIN_CACHE_DIRECTORY", "~/left");
    let leave = |token: &str| {
        place.file(
            "left/617a42bf0cc7e52ae16d10443f260d451c255a489505091810c95d5c7ec927d1.json",
            &format!("{{\"accessToken\": {token}}}"),
        )
    };
    let token = r#"{"accessKeyId": "ASIAX", "secretAccessKey": "s\/", "sessionToken": "t", "accountId": "111122223333", "expiresAt": "2099-01-01T00:00:00Z"}"#;
    leave(token);
    let resolved = get(&here, &profile("p")).unwrap_or_else(|error| panic!("{}", said(&error)));
    let credentials = resolved.credentials;
    assert_eq!(resolved.source, Source::Login);
    assert_eq!(credentials.access_key_id, "ASIAX");
    assert_eq!(credentials.secret_access_key.expose_secret(), "s/");
    assert_eq!(credentials.account_id.as_deref(), Some("111122223333"));
    leave(&token.replace("2099", "2020"));
    assert_eq!(
        fails(&here, &profile("p")),
        "aws login: there is no session of aws login for profile p: it ended at 2020-01-01T00:00:00Z\nhint: let the aws CLI renew it: aws sts get-caller-identity --profile p; or sign in again: aws login --profile p"
    );
    leave("{}");
    let said = fails(&here, &profile("p"));
    assert!(
        said.contains("holds no credentials\nhint: let the aws CLI renew it: aws sts get-caller-identity --profile p; or sign in again: aws login --profile p"),
        "{said}"
    );
}

#[test]
fn without_any_profile_the_first_is_written() {
    let place = Place::new();
    let said = fails(&place.here(), &profile("p"));
    assert!(
        said.ends_with(
            "hint: there are no profiles at all; write one: aws configure --profile NAME"
        ),
        "{said}"
    );
}

/// Writes a program that is the credential_process of profile p.
fn process(place: &Place, script: &str) -> (String, crate::support::environment::Environment) {
    let program = place.file("give credentials", &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("its mode");
    let config = place.file(
        "config",
        &format!("[profile p]\ncredential_process = \"{program}\" --for 'a b'\naws_account_id = 111122223333\n"),
    );
    (program, place.here().with("AWS_CONFIG_FILE", &config))
}

#[test]
fn a_process_gives_credentials_and_no_shell_is_between() {
    let place = Place::new();
    let (_, here) = process(
        &place,
        "test \"$2\" = 'a b' && test -z \"$(cat)\" || exit 9\n\
         echo '{\"Version\": 1, \"AccessKeyId\": \"ASIAX\", \"SecretAccessKey\": \"s\", \"SessionToken\": \"t\", \"Expiration\": \"2099-01-01T00:00:00Z\"}'",
    );
    let resolved = get(&here, &profile("p")).unwrap_or_else(|error| panic!("{}", said(&error)));
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
fn a_process_that_gives_none_is_explained_without_what_it_printed() {
    let place = Place::new();
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
            "what credential_process PROGRAM printed can't be used: it is not the JSON of credentials",
        ),
        (
            "echo '{\"Version\": 2, \"AccessKeyId\": \"hidden\"}'",
            "what credential_process PROGRAM printed can't be used: its Version is not 1",
        ),
        (
            "echo '{\"Version\": 1, \"AccessKeyId\": \"hidden\"}'",
            "what credential_process PROGRAM printed can't be used: its SecretAccessKey is missing",
        ),
        (
            "echo '{\"Version\": 1, \"AccessKeyId\": \"a\", \"SecretAccessKey\": \"hidden\", \"Expiration\": \"soon\"}'",
            "what credential_process PROGRAM printed can't be used: its Expiration is not a time",
        ),
    ] {
        let (program, here) = process(&place, script);
        let said = fails(&here, &profile("p"));
        assert_eq!(
            said,
            format!(
                "credential process: {}\nhint: run the profile's credential_process by itself; it must print \
                 {{\"Version\": 1, \"AccessKeyId\": …, \"SecretAccessKey\": …}}",
                expected.replace("PROGRAM", &program)
            )
        );
    }
    let (_, here) = process(
        &place,
        "echo '{\"Version\": 1, \"AccessKeyId\": \"a\", \"SecretAccessKey\": \"s\", \"Expiration\": \"2020-01-01T00:00:00Z\"}'",
    );
    assert_eq!(
        fails(&here, &profile("p")),
        "credential process: the credentials expired at 2020-01-01T00:00:00Z\n\
         hint: get new ones from wherever these came, or check this machine's clock: date -u"
    );
    for (line, expected) in [
        (
            "~/bin/x",
            "credential_process ~/bin/x can't be run: No such file or directory (os error 2)",
        ),
        (
            "'x",
            "credential_process can't be read as a command: a quote is not closed",
        ),
        ("", "credential_process can't be read as a command"),
    ] {
        let config = place.file(
            "config",
            &format!("[profile p]\ncredential_process = {line}\n"),
        );
        let here = place.here().with("AWS_CONFIG_FILE", &config);
        let said = fails(&here, &profile("p"));
        assert!(
            said.starts_with(&format!("credential process: {expected}\nhint: ")),
            "{said}"
        );
    }
}

#[test]
fn where_nothing_is_found_every_source_says_why() {
    let place = Place::new();
    let here = place.here();
    let error = get(&here, &Wish::default()).unwrap_err();
    assert_eq!(error.to_string(), "no AWS credentials were found");
    assert!(!error.is_input());
    let home = place.home();
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
            "instance metadata: instance metadata is switched off here: AWS_EC2_METADATA_DISABLED is true",
        ]
    );
    let pinned = |source| Wish {
        source: Some(source),
        ..Wish::default()
    };
    assert_eq!(
        fails(&here, &pinned(Pin::Instance)),
        "instance metadata: instance metadata is switched off here: AWS_EC2_METADATA_DISABLED is true\n\
         hint: switch it on again: unset AWS_EC2_METADATA_DISABLED"
    );
    let error = get(&here, &pinned(Pin::Container)).unwrap_err();
    assert_eq!(error.tried.len(), 1);
    assert_eq!(error.tried[0].source, Source::Container);
}
