//! Sends a token to STS as a cluster's authenticator does.

use aws_sdk_sts::config::http::HttpRequest;
use aws_smithy_runtime_api::client::http::HttpConnector;
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde::Deserialize;
use thiserror::Error;

use super::blocking_runtime::BlockingRuntime;
use super::client_config::{ClientSettings, ProfileSettings};
use super::credentials::SourceError;
use super::query_protocol::ErrorResponse;
use super::request_error::{clock_ahead, without_signed_request};
use super::response_limit::text_of;
use super::{AwsEnvironment, AwsError, Refused};
use awsauth_core::arn::Identity;
use awsauth_core::token::{CLUSTER_HEADER, PresignedRequest};

/// The identity that STS reports, and the difference between the clocks.
#[derive(Clone, Debug)]
pub struct VerifiedIdentity {
    pub identity: Identity,
    /// How far this machine's clock is ahead of STS's, if the response has a date.
    pub clock_ahead: Option<SignedDuration>,
}

/// Why a token was not verified.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The profile or a connection setting is invalid.
    #[error(transparent)]
    Settings(Box<SourceError>),
    #[error("the token's URL cannot be requested")]
    Url,
    #[error("the cluster name {0:?} cannot be sent in an HTTP header")]
    ClusterName(String),
    /// STS could not be reached, or did not verify the token.
    #[error(transparent)]
    Sts(#[from] AwsError),
}

impl From<SourceError> for VerifyError {
    fn from(error: SourceError) -> Self {
        Self::Settings(Box::new(error))
    }
}

impl VerifyError {
    /// Returns what to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Settings(error) => error.hint(),
            Self::Url => "check the program that creates the token".to_owned(),
            Self::ClusterName(_) => "correct the cluster's name".to_owned(),
            Self::Sts(error) => error.hint(),
        }
    }
}

/// Sends the request that this cluster's authenticator sends for a token. Uses this machine's proxy and trusted
/// certificates. Blocks; must not be called from within an async runtime.
///
/// # Errors
/// If no request can be sent, or STS cannot be reached or does not verify the token.
pub fn verify_token(
    presigned: &PresignedRequest,
    cluster: &str,
    profile: Option<&str>,
    environment: &AwsEnvironment,
) -> Result<VerifiedIdentity, VerifyError> {
    let profile = ProfileSettings::read(profile, environment).map_err(SourceError::from)?;
    let answer = ask(profile.client(), presigned, cluster);
    let answer = BlockingRuntime::default().block_on(answer);
    answer.map_err(SourceError::from)?
}

async fn ask(
    settings: ClientSettings<'_>,
    presigned: &PresignedRequest,
    cluster: &str,
) -> Result<VerifiedIdentity, VerifyError> {
    let connector = settings.connector(false, None).map_err(SourceError::from)?;
    let invalid = |why: String| AwsError::InvalidResponse { why };
    let url = presigned.url.expose_secret();
    let mut request = HttpRequest::get(url).map_err(|_| VerifyError::Url)?;
    let headers = request.headers_mut();
    headers.insert("accept", "application/json");
    headers
        .try_insert(CLUSTER_HEADER, cluster.to_owned())
        .map_err(|_| VerifyError::ClusterName(cluster.to_owned()))?;
    let response = connector.call(request).await;
    let response = response.map_err(|error| AwsError::of_connector(&error))?;
    let (status, clock_ahead) = (response.status().as_u16(), clock_ahead(&response));
    let body = text_of(&response);
    if status != 200 {
        let (code, message) = refusal(&body)
            .ok_or_else(|| invalid(format!("HTTP status {status} without an AWS error")))?;
        return Err(VerifyError::Sts(AwsError::Refused(Box::new(Refused {
            code,
            message: without_signed_request(&message),
            request_id: None,
            clock_ahead,
        }))));
    }
    let identity = presigned.answer(status, &body);
    Ok(VerifiedIdentity {
        identity: identity.map_err(|error| invalid(error.to_string()))?,
        clock_ahead,
    })
}

/// Returns the code and the message of an error. STS answers in JSON; a proxy that drops the `accept` header makes it
/// answer in XML.
fn refusal(body: &str) -> Option<(String, String)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        error: Error,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Error {
        code: String,
        #[serde(default)]
        message: String,
    }
    if let Ok(Answer { error }) = serde_json::from_str(body) {
        return Some((error.code, error.message));
    }
    let ErrorResponse { error, .. } = ErrorResponse::read(body)?;
    Some((error.code, error.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_name_that_fits_no_header_is_not_sent() {
        let presigned = PresignedRequest {
            url: "https://127.0.0.1:1/".into(),
            host: "127.0.0.1".to_owned(),
            region: "us-east-1".to_owned(),
            access_key_id: String::new(),
            signed: jiff::Timestamp::UNIX_EPOCH,
        };
        let environment = AwsEnvironment::default();
        let error = verify_token(&presigned, "a\nb", None, &environment).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the cluster name \"a\\nb\" cannot be sent in an HTTP header"
        );
    }
}
