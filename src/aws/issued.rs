//! The JSON in which instance metadata and container endpoints hand out credentials.

use secrecy::SecretString;
use serde::Deserialize;
use thiserror::Error;

use super::document::secret;
use super::time::instant;
use crate::token::Credentials;

/// The document as it came. Instance metadata also answers errors this way, with a status of 200.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Issued {
    /// `Success`, or what is wrong. Container endpoints leave it out.
    pub(super) code: Option<String>,
    /// More about what is wrong.
    pub(super) message: Option<String>,
    access_key_id: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    secret_access_key: Option<SecretString>,
    #[serde(default, deserialize_with = "secret")]
    token: Option<SecretString>,
    expiration: Option<String>,
    account_id: Option<String>,
}

/// What keeps a document from being credentials. Never shows any of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IssuedError {
    /// It is not a JSON object with texts.
    #[error("it is not the JSON of credentials")]
    Syntax,
    /// A field is missing or empty.
    #[error("its {0} is missing")]
    Missing(&'static str),
    /// The expiration is not a time.
    #[error("its Expiration is not a time")]
    Expiration,
}

impl Issued {
    /// Reads the document.
    pub(super) fn read(body: &[u8]) -> Result<Self, IssuedError> {
        serde_json::from_slice(body).map_err(|_| IssuedError::Syntax)
    }

    /// The credentials in it. All four fields must be there, as to botocore.
    pub(super) fn credentials(self) -> Result<Credentials, IssuedError> {
        let missing = IssuedError::Missing;
        let expiration = filled(self.expiration).ok_or(missing("Expiration"))?;
        Ok(Credentials {
            access_key_id: filled(self.access_key_id).ok_or(missing("AccessKeyId"))?,
            secret_access_key: self.secret_access_key.ok_or(missing("SecretAccessKey"))?,
            session_token: Some(self.token.ok_or(missing("Token"))?),
            expiration: Some(instant(&expiration).ok_or(IssuedError::Expiration)?),
            account_id: filled(self.account_id),
        })
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> IssuedError {
        let read = Issued::read(json.as_bytes()).and_then(Issued::credentials);
        read.expect_err("no credentials")
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_shown() {
        let whole = r#"{"AccessKeyId":"ASIA1","SecretAccessKey":"s3cret","Token":"t0ken","Expiration":"2026-01-01T00:00:00Z"}"#;
        let credentials = Issued::read(whole.as_bytes()).and_then(Issued::credentials);
        assert_eq!(credentials.expect("credentials").access_key_id, "ASIA1");
        for field in ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"] {
            let without = whole.replace(field, "Other");
            assert_eq!(error(&without), IssuedError::Missing(field));
        }
        assert_eq!(
            error(&whole.replace("2026", "soon")),
            IssuedError::Expiration
        );
        assert_eq!(
            error(&whole.replace("\"s3cret\"", "1")),
            IssuedError::Syntax
        );
        assert_eq!(error("<html>"), IssuedError::Syntax);
    }
}
