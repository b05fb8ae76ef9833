//! The JSON in which instance metadata and container endpoints return credentials.

use secrecy::SecretString;
use serde::Deserialize;
use thiserror::Error;

use super::credential_process_json::secret;
use super::timestamp::instant;
use awsauth_core::token::Credentials;

/// The response. Instance metadata also returns errors this way, with status 200.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CredentialsResponse {
    /// `Success` or an error code. Container endpoints omit it.
    pub(super) code: Option<String>,
    /// The error message.
    pub(super) message: Option<String>,
    access_key_id: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    secret_access_key: Option<SecretString>,
    #[serde(default, deserialize_with = "secret")]
    token: Option<SecretString>,
    expiration: Option<String>,
    account_id: Option<String>,
}

/// Why a response is not credentials. Contains none of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialsResponseError {
    /// It is not a JSON object of strings.
    #[error("it is not credentials in JSON")]
    Syntax,
    /// A field is missing or empty.
    #[error("its {0} is missing")]
    Missing(&'static str),
    /// The expiration is not a timestamp.
    #[error("its Expiration is not an RFC 3339 timestamp")]
    Expiration,
}

impl CredentialsResponse {
    /// Parses a response.
    pub(super) fn read(body: &[u8]) -> Result<Self, CredentialsResponseError> {
        serde_json::from_slice(body).map_err(|_| CredentialsResponseError::Syntax)
    }

    /// Returns the credentials. As in botocore, all four fields are required.
    pub(super) fn credentials(self) -> Result<Credentials, CredentialsResponseError> {
        let missing = CredentialsResponseError::Missing;
        let expiration = filled(self.expiration).ok_or(missing("Expiration"))?;
        Ok(Credentials {
            access_key_id: filled(self.access_key_id).ok_or(missing("AccessKeyId"))?,
            secret_access_key: self.secret_access_key.ok_or(missing("SecretAccessKey"))?,
            session_token: Some(self.token.ok_or(missing("Token"))?),
            expiration: Some(instant(&expiration).ok_or(CredentialsResponseError::Expiration)?),
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

    fn error(json: &str) -> CredentialsResponseError {
        let read =
            CredentialsResponse::read(json.as_bytes()).and_then(CredentialsResponse::credentials);
        read.expect_err("no credentials")
    }

    #[test]
    fn missing_field_is_named_without_values() {
        let whole = r#"{"AccessKeyId":"ASIA1","SecretAccessKey":"s3cret","Token":"t0ken","Expiration":"2026-01-01T00:00:00Z"}"#;
        let credentials =
            CredentialsResponse::read(whole.as_bytes()).and_then(CredentialsResponse::credentials);
        assert_eq!(credentials.expect("credentials").access_key_id, "ASIA1");
        for field in ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"] {
            let without = whole.replace(field, "Other");
            assert_eq!(error(&without), CredentialsResponseError::Missing(field));
        }
        assert_eq!(
            error(&whole.replace("2026", "soon")),
            CredentialsResponseError::Expiration
        );
        assert_eq!(
            error(&whole.replace("\"s3cret\"", "1")),
            CredentialsResponseError::Syntax
        );
        assert_eq!(error("<html>"), CredentialsResponseError::Syntax);
    }
}
