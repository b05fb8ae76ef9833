//! Environment variables that select and configure credentials.

use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::{
    CredentialOptions, NoCredentials, ResolvedCredentials, Source, resolve,
};
use jiff::Timestamp;
use secrecy::ExposeSecret;

fn found(variables: &[(&str, &str)]) -> Result<ResolvedCredentials, NoCredentials> {
    let aws_environment = variables
        .iter()
        .fold(AwsEnvironment::default(), |all, (name, value)| {
            all.with(name, value)
        });
    resolve(
        &CredentialOptions::default(),
        &aws_environment,
        Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn environment_credentials_have_every_field() {
    let resolved = found(&[
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalr"),
        ("AWS_SESSION_TOKEN", "later"),
        ("AWS_SECURITY_TOKEN", "first"),
        ("AWS_CREDENTIAL_EXPIRATION", "2026-11-20T12:00:00+01:00"),
        ("AWS_ACCOUNT_ID", "111122223333"),
    ])
    .unwrap();
    let credentials = resolved.credentials;
    assert_eq!(resolved.source, Source::Environment);
    assert_eq!(credentials.access_key_id, "AKIDEXAMPLE");
    assert_eq!(credentials.secret_access_key.expose_secret(), "wJalr");
    assert_eq!(
        credentials.session_token.unwrap().expose_secret(),
        "first",
        "botocore asks for AWS_SECURITY_TOKEN first"
    );
    assert_eq!(
        credentials.expiration,
        Some("2026-11-20T11:00:00Z".parse().unwrap())
    );
    assert_eq!(credentials.account_id.as_deref(), Some("111122223333"));
}

#[test]
fn incomplete_key_pair_ends_the_search() {
    let error = found(&[("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")]).unwrap_err();
    let (source, why) = error.failed.as_ref().unwrap();
    assert_eq!(*source, Source::Environment);
    assert_eq!(
        why.to_string(),
        "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not"
    );
    assert!(error.is_input());
}

#[test]
fn invalid_expiration_is_reported() {
    let error = found(&[
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalr"),
        ("AWS_CREDENTIAL_EXPIRATION", "soon"),
    ])
    .unwrap_err();
    assert_eq!(
        error.failed.as_ref().unwrap().1.to_string(),
        "AWS_CREDENTIAL_EXPIRATION is \"soon\", which is not a time such as 2026-01-31T12:00:00Z"
    );
}
