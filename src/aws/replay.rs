//! STS, asked about a token as a cluster's authenticator asks.

use aws_sdk_sts::config::http::{HttpRequest, HttpResponse};
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use aws_smithy_runtime_api::client::http::HttpConnector;
use http_body_util::BodyExt;
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::client::{ClientError, Reach};
use super::config_file::{ConfigFiles, DEFAULT_PROFILE, profile_name};
use super::credentials::SourceError;
use super::error::{clock_ahead, shown};
use super::network::Network;
use super::{AwsError, Refused, Surroundings};
use crate::arn::Identity;
use crate::token::{CLUSTER_HEADER, Replay};

/// Whom STS names, and how far this machine's clock is ahead of its.
#[derive(Clone, Debug)]
pub struct Named {
    /// Whom.
    pub identity: Identity,
    /// How far, if the answer has a date.
    pub clock_ahead: Option<SignedDuration>,
}

/// Sends what the authenticator of the cluster of this name sends for a token. The way there is this machine's: its proxy, its
/// roots. Blocks; must not be called from within an async runtime.
///
/// # Errors
/// When STS can't be asked, or names nobody.
pub fn replay(
    replay: &Replay,
    cluster: &str,
    profile: Option<&str>,
    surroundings: &Surroundings,
) -> Result<Result<Named, AwsError>, SourceError> {
    let files = ConfigFiles::read(surroundings)?;
    let profile = profile_name(profile, surroundings).unwrap_or(DEFAULT_PROFILE);
    let reach = Reach {
        surroundings,
        files: &files,
        profile: files.profile(profile),
    };
    Ok(Network::default().wait(ask(&reach, replay, cluster))??)
}

async fn ask(
    reach: &Reach<'_>,
    replay: &Replay,
    cluster: &str,
) -> Result<Result<Named, AwsError>, ClientError> {
    let connector = reach.connector()?;
    let garbage = |why: String| Err(AwsError::Garbage { why });
    let Ok(mut request) = HttpRequest::get(replay.url.expose_secret()) else {
        return Ok(garbage("the token's URL can't be asked".to_owned()));
    };
    let headers = request.headers_mut();
    headers.insert("accept", "application/json");
    if headers
        .try_insert(CLUSTER_HEADER, cluster.to_owned())
        .is_err()
    {
        return Ok(garbage(format!("{cluster:?} can't stand in a header")));
    }
    let answered = connector.call(request).await;
    let failed = |error| {
        let error: SdkError<GetCallerIdentityError, HttpResponse> =
            SdkError::dispatch_failure(error);
        AwsError::of(error)
    };
    let response = match answered {
        Ok(response) => response,
        Err(error) => return Ok(Err(failed(error))),
    };
    let (status, clock_ahead) = (response.status().as_u16(), clock_ahead(&response));
    let body = match response.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Ok(garbage(error.to_string())),
    };
    let body = String::from_utf8_lossy(&body);
    if status != 200 {
        let Some((code, message)) = refusal(&body) else {
            return Ok(garbage(format!("it answered {status} and no error of AWS")));
        };
        return Ok(Err(AwsError::Refused(Box::new(Refused {
            code,
            message: shown(&message),
            request_id: None,
            clock_ahead,
        }))));
    }
    let identity = replay.answer(status, &body);
    Ok(match identity {
        Ok(identity) => Ok(Named {
            identity,
            clock_ahead,
        }),
        Err(error) => garbage(error.to_string()),
    })
}

/// The code and the message of an error, in JSON or, where something in between does not heed what was asked for, in XML.
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
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.trim().to_owned())
    };
    Some((element("Code")?, element("Message").unwrap_or_default()))
}
