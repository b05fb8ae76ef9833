//! Credentials in the JSON format of `credential_process`.

use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::timestamp::instant;
use awsauth_core::token::Credentials;

/// The fields of the JSON object.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    version: Option<serde_json::Value>,
    access_key_id: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    secret_access_key: Option<SecretString>,
    #[serde(default, deserialize_with = "secret")]
    session_token: Option<SecretString>,
    expiration: Option<String>,
    account_id: Option<String>,
}

/// Why the JSON is not valid credentials. Never contains any of the input, which may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CredentialsJsonError {
    /// It is not a JSON object of strings.
    #[error("it is not credential_process JSON")]
    Syntax,
    /// The version is not 1.
    #[error("its Version is not 1")]
    Version,
    #[error("its {0} is missing")]
    Missing(&'static str),
    /// The expiration is not a timestamp.
    #[error("its Expiration is not an RFC 3339 timestamp")]
    Expiration,
}

/// Parses credentials.
pub(super) fn read(json: &[u8]) -> Result<Credentials, CredentialsJsonError> {
    let document: Document =
        serde_json::from_slice(json).map_err(|_| CredentialsJsonError::Syntax)?;
    if document.version != Some(1.into()) {
        return Err(CredentialsJsonError::Version);
    }
    let missing = CredentialsJsonError::Missing;
    let expiration = document
        .expiration
        .as_deref()
        .filter(|text| !text.is_empty());
    Ok(Credentials {
        access_key_id: document.access_key_id.ok_or(missing("AccessKeyId"))?,
        secret_access_key: document
            .secret_access_key
            .ok_or(missing("SecretAccessKey"))?,
        session_token: document.session_token,
        expiration: expiration
            .map(|text| instant(text).ok_or(CredentialsJsonError::Expiration))
            .transpose()?,
        account_id: document.account_id.filter(|id| !id.is_empty()),
    })
}

/// Reads a secret. An empty one is treated as missing.
pub(super) fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()).map(SecretString::from))
}

/// Writes credentials. The JSON is wiped from memory when it is dropped.
pub(super) fn write(credentials: &Credentials, issued: Timestamp) -> Zeroizing<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Document<'a> {
        version: u8,
        access_key_id: &'a str,
        secret_access_key: &'a str,
        session_token: Option<&'a str>,
        expiration: Option<String>,
        account_id: Option<&'a str>,
        issued: String,
    }
    let token = credentials.session_token.as_ref();
    let document = Document {
        version: 1,
        access_key_id: &credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.expose_secret(),
        session_token: token.map(ExposeSecret::expose_secret),
        expiration: credentials.expiration.map(|end| end.to_string()),
        account_id: credentials.account_id.as_deref(),
        issued: issued.to_string(),
    };
    // Large enough not to grow: reallocation would leave copies of the secrets in memory.
    let mut text = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer(&mut *text, &document).expect("strings serialize to JSON");
    text
}
