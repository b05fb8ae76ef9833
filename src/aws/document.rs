//! Credentials as JSON, in the form of `credential_process`.

use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::time::instant;
use crate::token::Credentials;

/// The document as it stands in the JSON.
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

/// What keeps a text from being credentials. Never shows any of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It is not a JSON object with texts.
    #[error("it is not the JSON of credentials")]
    Syntax,
    /// Another version than 1.
    #[error("its Version is not 1")]
    Version,
    /// A field is missing.
    #[error("its {0} is missing")]
    Missing(&'static str),
    /// The expiration is not a time.
    #[error("its Expiration is not a time")]
    Expiration,
}

/// Reads the document.
pub(super) fn read(json: &[u8]) -> Result<Credentials, DocumentError> {
    let document: Document = serde_json::from_slice(json).map_err(|_| DocumentError::Syntax)?;
    if document.version != Some(1.into()) {
        return Err(DocumentError::Version);
    }
    let missing = DocumentError::Missing;
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
            .map(|text| instant(text).ok_or(DocumentError::Expiration))
            .transpose()?,
        account_id: document.account_id.filter(|id| !id.is_empty()),
    })
}

/// An empty secret is none.
pub(super) fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()).map(SecretString::from))
}

/// Writes the document. The text is wiped from memory when it is dropped.
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
    // Large enough not to grow, which would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer(&mut *text, &document).expect("texts are JSON");
    text
}
