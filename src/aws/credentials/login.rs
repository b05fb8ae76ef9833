//! What `aws login` left: a session of the console, as short-lived credentials.
//!
//! <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html>

use std::borrow::Cow;
use std::fs;
use std::io;

use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::SourceError;
use super::search::Search;
use crate::aws::config_file::expand;
use crate::aws::time::instant;
use crate::token::Credentials;

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

/// The credentials of a login session, while they last. Only the aws CLI can renew them.
pub(super) fn credentials(
    search: &Search,
    profile: &str,
    session: &str,
) -> Result<Credentials, SourceError> {
    let none = |why: String| SourceError::Login {
        profile: profile.to_owned(),
        why,
    };
    let folder = search.surroundings.get("AWS_LOGIN_CACHE_DIRECTORY");
    let folder = expand(folder.unwrap_or("~/.aws/login/cache"), search.surroundings);
    let digest: String = Sha256::digest(session)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
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
    if end <= search.now {
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
