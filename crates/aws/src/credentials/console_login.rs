//! Credentials of a console session that `aws login` stores.
//!
//! <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html>

use std::borrow::Cow;
use std::fs;
use std::io;

use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::error::SourceError;
use crate::config_file::expand;
use crate::timestamp::instant;
use awsauth_core::token::Credentials;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(borrow)]
    access_token: AccessToken<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccessToken<'a> {
    #[serde(borrow)]
    access_key_id: Cow<'a, str>,
    #[serde(borrow)]
    secret_access_key: Cow<'a, str>,
    #[serde(borrow)]
    session_token: Cow<'a, str>,
    account_id: Option<Cow<'a, str>>,
    expires_at: Cow<'a, str>,
}

/// Returns the credentials of a login session until they expire. Only the AWS CLI can renew them.
pub(super) fn credentials(
    context: &Context,
    profile: &str,
    session: &str,
) -> Result<Credentials, SourceError> {
    let none = |why: String| SourceError::Login {
        profile: profile.to_owned(),
        why,
    };
    let folder = context.environment.get("AWS_LOGIN_CACHE_DIRECTORY");
    let folder = expand(folder.unwrap_or("~/.aws/login/cache"), context.environment);
    let digest = hex::encode(Sha256::digest(session));
    let path = folder
        .ok_or_else(|| none("there is no home folder".to_owned()))?
        .join(format!("{digest}.json"));
    let bytes = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => none(format!("{} is not there", path.display())),
        _ => none(format!("{}: {error}", path.display())),
    })?;
    let bytes = Zeroizing::new(bytes);
    let invalid = || none(format!("{} holds no credentials", path.display()));
    let file: File = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    let token = file.access_token;
    let end = instant(&token.expires_at).ok_or_else(invalid)?;
    if end <= context.now {
        return Err(none(format!("it ended at {end}")));
    }
    Ok(Credentials {
        access_key_id: token.access_key_id.into_owned(),
        secret_access_key: (*token.secret_access_key).into(),
        session_token: Some((*token.session_token).into()),
        expiration: Some(end),
        account_id: token.account_id.map(Cow::into_owned),
    })
}
