//! Sends a token to STS as a cluster's authenticator does.

use aws_sdk_sts::config::http::HttpRequest;
use aws_smithy_runtime_api::client::http::HttpConnector;
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::blocking_runtime::BlockingRuntime;
use super::client_config::{ClientError, ClientSettings, ProfileSettings};
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

/// Sends the request that this cluster's authenticator sends for a token. Uses this machine's proxy and trusted
/// certificates. Blocks; must not be called from within an async runtime.
///
/// # Errors
/// If no request can be sent. The inner error is that of STS.
pub fn verify_token(
    presigned: &PresignedRequest,
    cluster: &str,
    profile: Option<&str>,
    environment: &AwsEnvironment,
) -> Result<Result<VerifiedIdentity, AwsError>, SourceError> {
    let profile = ProfileSettings::read(profile, environment)?;
    let answer = ask(profile.client(), presigned, cluster);
    Ok(BlockingRuntime::default().block_on(answer)??)
}

async fn ask(
    settings: ClientSettings<'_>,
    presigned: &PresignedRequest,
    cluster: &str,
) -> Result<Result<VerifiedIdentity, AwsError>, ClientError> {
    let connector = settings.connector(false, None)?;
    let garbage = |why: String| Err(AwsError::InvalidResponse { why });
    let Ok(mut request) = HttpRequest::get(presigned.url.expose_secret()) else {
        return Ok(garbage("the token's URL cannot be requested".to_owned()));
    };
    let headers = request.headers_mut();
    headers.insert("accept", "application/json");
    if headers
        .try_insert(CLUSTER_HEADER, cluster.to_owned())
        .is_err()
    {
        return Ok(garbage(format!("{cluster:?} cannot be sent in a header")));
    }
    let answered = connector.call(request).await;
    let response = match answered {
        Ok(response) => response,
        Err(error) => return Ok(Err(AwsError::of_connector(&error))),
    };
    let (status, clock_ahead) = (response.status().as_u16(), clock_ahead(&response));
    let body = text_of(&response);
    if status != 200 {
        let Some((code, message)) = refusal(&body) else {
            return Ok(garbage(format!(
                "HTTP status {status} without an AWS error"
            )));
        };
        return Ok(Err(AwsError::Refused(Box::new(Refused {
            code,
            message: without_signed_request(&message),
            request_id: None,
            clock_ahead,
        }))));
    }
    let identity = presigned.answer(status, &body);
    Ok(match identity {
        Ok(identity) => Ok(VerifiedIdentity {
            identity,
            clock_ahead,
        }),
        Err(error) => garbage(error.to_string()),
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
