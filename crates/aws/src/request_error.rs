//! Errors of AWS requests.

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_types::request_id::RequestId;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use std::error::Error;
use thiserror::Error;

use super::response_limit;
use awsauth_core::error_chain;

/// Why a request to an AWS service failed.
#[derive(Debug, Error)]
pub enum AwsError {
    /// The service refused the request.
    #[error(transparent)]
    Refused(Box<Refused>),
    /// The service could not be reached, or did not respond in time.
    #[error("AWS cannot be reached: {why}")]
    Unreachable {
        /// The cause, from the network libraries.
        why: String,
        obstacle: Obstacle,
    },
    /// The response does not come from AWS.
    #[error("the response is not from AWS: {why}")]
    InvalidResponse { why: String },
    /// A list exceeds the limit of pages or time. The service may be slow, or the list may really be that long.
    #[error("a list {why}")]
    EndlessList { why: String },
    /// The response has no credentials.
    #[error("the response has no credentials")]
    NoCredentials,
}

/// Why this machine cannot reach AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// No response arrived in time.
    Timeout,
    /// The proxy cannot be reached, or refuses to connect.
    Proxy,
    /// The host name cannot be resolved.
    Dns,
    /// The server's certificate is not trusted.
    Tls,
    Other,
}

/// A refusal, in the service's words.
#[derive(Debug, Error)]
#[error("{code}: {message}")]
pub struct Refused {
    /// The error code, such as `AccessDenied`.
    pub code: String,
    /// The message, without the signed request.
    pub message: String,
    /// For AWS support.
    pub request_id: Option<String>,
    /// How far this machine's clock is ahead of the service's.
    pub clock_ahead: Option<SignedDuration>,
}

impl AwsError {
    /// Converts an error of an SDK client.
    pub fn of<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let request_id = error.request_id().map(str::to_owned);
        match &error {
            SdkError::ServiceError(context) => {
                let Some(code) = context.err().code() else {
                    let status = context.raw().status().as_u16();
                    return Self::InvalidResponse {
                        why: format!("HTTP status {status} without an AWS error"),
                    };
                };
                Self::Refused(Box::new(Refused {
                    code: code.to_owned(),
                    message: without_signed_request(context.err().message().unwrap_or_default()),
                    request_id,
                    clock_ahead: clock_ahead(context.raw()),
                }))
            }
            SdkError::ResponseError(_) => Self::InvalidResponse {
                why: causes(&error),
            },
            SdkError::TimeoutError(_) => Self::timed_out(),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(error) => Self::of_connector(error),
                None => Self::unreachable(&error),
            },
            _ => Self::unreachable(&error),
        }
    }

    /// Converts an error of a connector.
    pub(crate) fn of_connector(error: &ConnectorError) -> Self {
        if error.is_timeout() {
            return Self::Unreachable {
                why: "the connection did not open in time".to_owned(),
                obstacle: Obstacle::Timeout,
            };
        }
        match response_limit::is_too_long(error) {
            true => Self::InvalidResponse { why: causes(error) },
            false => Self::unreachable(error),
        }
    }

    /// The error after the overall timeout.
    pub(crate) fn timed_out() -> Self {
        Self::Unreachable {
            why: "no response arrived in time".to_owned(),
            obstacle: Obstacle::Timeout,
        }
    }

    fn unreachable(error: &dyn Error) -> Self {
        let why = causes(error);
        let obstacle = obstacle(&why);
        Self::Unreachable { why, obstacle }
    }

    /// Returns the refusal, if the service answered.
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// Whether the caller lacks the permission.
    pub fn is_denial(&self) -> bool {
        matches!(
            self.code(),
            Some("AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation")
        )
    }

    /// Returns the service's error code.
    pub fn code(&self) -> Option<&str> {
        Some(&self.refused()?.code)
    }
}

impl Refused {
    /// Returns the caller's ARN, if the message contains it: `User: ARN is not authorized to perform …`.
    pub fn caller(&self) -> Option<&str> {
        let (_, after) = self.message.split_once("User: ")?;
        let arn = after.split(' ').next()?;
        arn.starts_with("arn:").then_some(arn)
    }
}

/// Removes the signed request, which contains the session token, from the message about an invalid signature.
pub(super) fn without_signed_request(message: &str) -> String {
    let quoted = message.find("The Canonical String");
    let end = quoted.unwrap_or(message.len());
    let first_lines = message[..end].lines().map(str::trim);
    let lines: Vec<_> = first_lines.filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

pub(super) fn clock_ahead(response: &HttpResponse) -> Option<SignedDuration> {
    let date = response.headers().get("date")?;
    let server_time = rfc2822::parse(date).ok()?.timestamp();
    Some(Timestamp::now().duration_since(server_time))
}

/// Returns the causes of an SDK error, without messages of the SDK and of hyper that carry no information.
fn causes(error: &dyn Error) -> String {
    let mut causes = error_chain::messages(error);
    causes.remove(0);
    causes.retain(|cause| {
        !["io error", "other", "timeout"].contains(&cause.as_str())
            && !cause.starts_with("client error (")
    });
    causes.join(": ")
}

/// Classifies a connection error by its message, because the libraries have no codes.
fn obstacle(why: &str) -> Obstacle {
    let contains_any = |words: &[&str]| words.iter().any(|word| why.contains(word));
    if contains_any(&["tunnel error"]) {
        Obstacle::Proxy
    } else if contains_any(&["dns error"]) {
        Obstacle::Dns
    } else if contains_any(&["certificate", "TLS"]) {
        Obstacle::Tls
    } else {
        Obstacle::Other
    }
}

/// The clock difference up to which STS accepts signatures.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

impl AwsError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Refused(refused) => refused.hint(),
            Self::Unreachable { obstacle, .. } => obstacle.hint().to_owned(),
            Self::InvalidResponse { .. } => {
                "check whether AWS_ENDPOINT_URL or a proxy redirects the request".into()
            }
            Self::EndlessList { .. } => {
                "try again, in case AWS was slow; if it persists, check whether AWS_ENDPOINT_URL or a proxy redirects the request".into()
            }
            Self::NoCredentials => {
                "try again; if it persists, check the proxies between this machine and AWS".into()
            }
        }
    }
}

impl Obstacle {
    fn hint(self) -> &'static str {
        match self {
            Self::Timeout => {
                "check whether this network reaches AWS: a VPC endpoint for the service, a NAT gateway, or HTTPS_PROXY"
            }
            Self::Proxy => {
                "check that HTTPS_PROXY names the right proxy and that it allows the service's host, or list the host in NO_PROXY"
            }
            Self::Dns => {
                "check that the region exists and that this network's DNS resolves AWS names: --region NAME, AWS_ENDPOINT_URL"
            }
            Self::Tls => {
                "if a proxy inspects TLS here, set AWS_CA_BUNDLE to a file with its CA certificate"
            }
            Self::Other => {
                "check that this network reaches AWS, and that HTTPS_PROXY and AWS_ENDPOINT_URL are correct"
            }
        }
    }
}

impl Refused {
    /// Whether AWS rejects signatures because this machine's clock is wrong.
    pub(crate) fn clock_is_off(&self) -> bool {
        self.clock_ahead
            .is_some_and(|ahead| ahead.abs() > MAX_CLOCK_SKEW)
    }

    fn hint(&self) -> String {
        if let Some(ahead) = self.clock_ahead.filter(|_| self.clock_is_off()) {
            let (by, way) = (
                ahead.abs().as_mins(),
                if ahead.is_positive() {
                    "ahead of"
                } else {
                    "behind"
                },
            );
            return format!(
                "set this machine's clock, which is {by} minutes {way} AWS's: sudo chronyc makestep"
            );
        }
        match self.code.as_str() {
            "ExpiredToken" | "ExpiredTokenException" => "get new credentials from the same source; those in the environment may be outdated: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN",
            "InvalidClientTokenId" | "UnrecognizedClientException" => "the access key was deleted or deactivated, its session token is missing, or it belongs to another partition or to an opt-in region that is not enabled: aws iam list-access-keys",
            "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" => "the secret access key does not match the access key id: copy both again, without spaces",
            "RegionDisabledException" => "activate STS in that region (IAM console, Account settings), or name another with --region",
            "PackedPolicyTooLarge" | "PackedPolicyTooLargeException" => "pass fewer or shorter session tags",
            "AccessDenied" | "AccessDeniedException" => "ask an administrator to allow it",
            "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => "try again in a minute",
            "ValidationError" if self.message.contains("role chaining") => "role chaining limits sessions to one hour: omit --duration",
            "ValidationError" if self.message.contains("MaxSessionDuration") => "request a shorter --duration, or raise the role's maximum: aws iam update-role --role-name NAME --max-session-duration SECONDS",
            "ValidationError" => "correct the named parameter",
            _ => return match &self.request_id {
                Some(id) => format!("look up the code in the service's API reference; AWS support finds the request by its id {id}"),
                None => "look up the code in the service's API reference".to_owned(),
            },
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::operation::assume_role::AssumeRoleError;

    use super::*;

    #[test]
    fn timeout_is_distinguished_from_other_obstacles() {
        let error: SdkError<AssumeRoleError, HttpResponse> = SdkError::timeout_error("30 s");
        let error = AwsError::of(error);
        assert_eq!(
            error.to_string(),
            "AWS cannot be reached: no response arrived in time"
        );
        assert!(error.hint().contains("a VPC endpoint"), "{}", error.hint());
    }

    #[test]
    fn obstacles_are_recognized_by_messages_of_the_libraries() {
        for (why, expected) in [
            (
                "dns error: failed to lookup address information: Name or service not known",
                Obstacle::Dns,
            ),
            (
                "tunnel error: failed to create underlying connection: dns error",
                Obstacle::Proxy,
            ),
            (
                "TLS handshake failed: invalid peer certificate: UnknownIssuer",
                Obstacle::Tls,
            ),
            ("tcp connect error: Connection refused", Obstacle::Other),
        ] {
            assert_eq!(obstacle(why), expected, "{why}");
        }
    }
}
