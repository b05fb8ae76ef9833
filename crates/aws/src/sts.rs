//! STS: role sessions and the caller's identity.

use aws_sdk_sts::Client;
use aws_sdk_sts::types::Credentials as Issued;
use aws_types::SdkConfig;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::AwsError;
use awsauth_core::token::Credentials;

/// The identity of credentials, as STS reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Such as `arn:aws:sts::111122223333:assumed-role/NAME/SESSION`.
    pub arn: String,
    pub account: String,
    /// `AIDA…`, or `AROA…:SESSION` for a session.
    pub user_id: String,
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub arn: String,
    pub session_name: String,
    pub external_id: Option<String>,
    /// In seconds. The default of STS is an hour.
    pub duration: Option<i32>,
}

/// Assumes a role with the credentials of `config`.
pub(crate) async fn assume_role(config: &SdkConfig, role: &Role) -> Result<Credentials, AwsError> {
    let request = Client::new(config)
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(&role.session_name)
        .set_external_id(role.external_id.clone())
        .set_duration_seconds(role.duration);
    let answer = request.send().await.map_err(AwsError::of)?;
    let user = answer.assumed_role_user().map(|user| user.arn().to_owned());
    credentials(answer.credentials, user.as_deref())
}

/// Assumes a role with a token of an OpenID Connect provider. `config` needs no credentials.
pub(crate) async fn assume_role_with_web_identity(
    config: &SdkConfig,
    role: &Role,
    token: &SecretString,
) -> Result<Credentials, AwsError> {
    let request = Client::new(config)
        .assume_role_with_web_identity()
        .role_arn(&role.arn)
        .role_session_name(&role.session_name)
        .web_identity_token(token.expose_secret())
        .set_duration_seconds(role.duration);
    let answer = request.send().await.map_err(AwsError::of)?;
    let user = answer.assumed_role_user().map(|user| user.arn().to_owned());
    credentials(answer.credentials, user.as_deref())
}

/// Returns the identity of the credentials of `config`.
pub(crate) async fn caller_identity(config: &SdkConfig) -> Result<Caller, AwsError> {
    let answer = Client::new(config).get_caller_identity().send().await;
    let answer = answer.map_err(AwsError::of)?;
    let required = |text: Option<String>| {
        text.ok_or_else(|| AwsError::InvalidResponse {
            why: "it does not contain the whole identity".to_owned(),
        })
    };
    Ok(Caller {
        arn: required(answer.arn)?,
        account: required(answer.account)?,
        user_id: required(answer.user_id)?,
    })
}

/// Converts a response. The account comes from the ARN of the session, as in botocore.
fn credentials(issued: Option<Issued>, user: Option<&str>) -> Result<Credentials, AwsError> {
    let issued = issued.ok_or(AwsError::NoCredentials)?;
    let account = user.and_then(|arn| arn.split(':').nth(4));
    Ok(Credentials {
        expiration: Timestamp::from_second(issued.expiration().secs()).ok(),
        access_key_id: issued.access_key_id,
        secret_access_key: issued.secret_access_key.into(),
        session_token: Some(issued.session_token.into()),
        account_id: account.map(str::to_owned),
    })
}
