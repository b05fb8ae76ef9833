//! Sessions of IAM roles from STS.

use aws_sdk_sts::Client;
use aws_sdk_sts::types::Credentials as Issued;
use aws_types::SdkConfig;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::AwsError;
use super::credentials::Caller;
use crate::token::Credentials;

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) arn: String,
    pub(crate) session_name: String,
    pub(crate) external_id: Option<String>,
    /// In seconds. STS gives an hour when nothing is said.
    pub(crate) duration: Option<i32>,
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

/// Asks who the credentials of `config` are.
pub(crate) async fn caller_identity(config: &SdkConfig) -> Result<Caller, AwsError> {
    let answer = Client::new(config).get_caller_identity().send().await;
    let answer = answer.map_err(AwsError::of)?;
    let said = |text: Option<String>| {
        text.ok_or_else(|| AwsError::Garbage {
            why: "it says not whole who the caller is".to_owned(),
        })
    };
    Ok(Caller {
        arn: said(answer.arn)?,
        account: said(answer.account)?,
        user_id: said(answer.user_id)?,
    })
}

/// The account is read from the ARN of the session, as botocore does.
fn credentials(issued: Option<Issued>, user: Option<&str>) -> Result<Credentials, AwsError> {
    let issued = issued.ok_or(AwsError::Empty)?;
    let account = user.and_then(|arn| arn.split(':').nth(4));
    Ok(Credentials {
        expiration: Timestamp::from_second(issued.expiration().secs()).ok(),
        access_key_id: issued.access_key_id,
        secret_access_key: issued.secret_access_key.into(),
        session_token: Some(issued.session_token.into()),
        account_id: account.map(str::to_owned),
    })
}
