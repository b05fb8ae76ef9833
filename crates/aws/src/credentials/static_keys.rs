//! Access keys in the environment and in profiles.

use super::error::SourceError;
use crate::AwsEnvironment;
use crate::config_file::Section;
use crate::timestamp::instant;
use awsauth_core::token::Credentials;

/// Returns the credentials in the environment, if it has an access key id.
pub(super) fn of_environment(
    environment: &AwsEnvironment,
) -> Result<Option<Credentials>, SourceError> {
    const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";
    let names = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_TOKEN",
        "AWS_ACCOUNT_ID",
    ];
    let Some(mut credentials) = pair(names, |name| environment.get(name), None)? else {
        return Ok(None);
    };
    if let Some(value) = environment.get(EXPIRATION) {
        let end = instant(value).ok_or_else(|| SourceError::Time {
            what: EXPIRATION.to_owned(),
            value: value.to_owned(),
        })?;
        credentials.expiration = Some(end);
    }
    Ok(Some(credentials))
}

/// Returns the keys of a profile in one of the files, if it has an access key id.
pub(super) fn of_section(
    profile: &str,
    section: &Section,
) -> Result<Option<Credentials>, SourceError> {
    let names = [
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_security_token",
        "aws_session_token",
        "aws_account_id",
    ];
    let get = |name: &str| section.text(name).filter(|text| !text.is_empty());
    pair(names, get, Some(profile))
}

/// Returns the key pair with its session token, which has an older and a newer name, and the account.
fn pair<'a>(
    [key, secret, older_token, token, account]: [&str; 5],
    get: impl Fn(&str) -> Option<&'a str>,
    profile: Option<&str>,
) -> Result<Option<Credentials>, SourceError> {
    let Some(access_key_id) = get(key) else {
        return Ok(None);
    };
    let secret_access_key = get(secret).ok_or_else(|| SourceError::Partial {
        present: match profile {
            Some(profile) => format!("{key} of profile {profile}"),
            None => key.to_owned(),
        },
        missing: secret.to_owned(),
        profile: profile.map(str::to_owned),
    })?;
    // The older name takes precedence, as in botocore.
    let token = get(older_token).or_else(|| get(token));
    Ok(Some(Credentials {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: secret_access_key.into(),
        session_token: token.map(Into::into),
        expiration: None,
        account_id: get(account).map(str::to_owned),
    }))
}
