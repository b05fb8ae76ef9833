mod hint;

use std::error::Error;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_types::request_id::RequestId;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

/// Why an AWS service gave nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AwsError {
    /// It answered, and refused.
    #[error(transparent)]
    Refused(Box<Refused>),
    /// It could not be reached, or not in time.
    #[error("AWS can't be reached: {why}")]
    Unreachable {
        /// What the network says.
        why: String,
        /// What stands in the way.
        obstacle: Obstacle,
    },
    /// What answered is not AWS.
    #[error("what answered is not AWS: {why}")]
    Garbage {
        /// What is wrong with it.
        why: String,
    },
    /// It answered without credentials.
    #[error("the answer holds no credentials")]
    Empty,
}

/// What stands between this machine and AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// Nobody answered in time.
    Silence,
    /// The proxy can't be reached, or does not let it through.
    Proxy,
    /// The name is not known.
    Name,
    /// Whoever answers is not trusted.
    Trust,
    /// Anything else.
    Network,
}

/// A refusal, as the service words it.
#[derive(Debug, Error)]
#[error("{code}: {message}")]
pub struct Refused {
    /// Its word for the reason, such as `AccessDenied`.
    pub code: String,
    /// Its sentence for the reason, without anything that was signed.
    pub message: String,
    /// The request's id, for AWS support.
    pub request_id: Option<String>,
    /// How far this machine's clock is ahead of the service's.
    pub clock_ahead: Option<SignedDuration>,
}

impl AwsError {
    /// What went wrong, from the SDK's view of it.
    pub(crate) fn of<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let request_id = error.request_id().map(str::to_owned);
        match &error {
            SdkError::ServiceError(context) => {
                let Some(code) = context.err().code() else {
                    let status = context.raw().status().as_u16();
                    return Self::Garbage {
                        why: format!("it answered {status} and no error of AWS"),
                    };
                };
                Self::Refused(Box::new(Refused {
                    code: code.to_owned(),
                    message: shown(context.err().message().unwrap_or_default()),
                    request_id,
                    clock_ahead: clock_ahead(context.raw()),
                }))
            }
            SdkError::ResponseError(_) => Self::Garbage { why: chain(&error) },
            SdkError::TimeoutError(_) => Self::Unreachable {
                why: "no answer came in time".to_owned(),
                obstacle: Obstacle::Silence,
            },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::Unreachable {
                why: "the connection did not open in time".to_owned(),
                obstacle: Obstacle::Silence,
            },
            _ => {
                let why = chain(&error);
                let obstacle = obstacle(&why);
                Self::Unreachable { why, obstacle }
            }
        }
    }

    /// The service's refusal, if it answered.
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// Whether the caller may not ask.
    pub fn is_denial(&self) -> bool {
        matches!(self.code(), Some("AccessDeniedException" | "AccessDenied"))
    }

    /// The service's word for its refusal.
    pub fn code(&self) -> Option<&str> {
        Some(&self.refused()?.code)
    }
}

impl Refused {
    /// Who asked, as far as a denial says it: the ARN in `User: ARN is not authorized to perform …`.
    pub fn caller(&self) -> Option<&str> {
        let (_, after) = self.message.split_once("User: ")?;
        let arn = after.split(' ').next()?;
        arn.starts_with("arn:").then_some(arn)
    }
}

/// A refusal for a wrong signature quotes the whole request, the session token included; its first sentence says all.
pub(super) fn shown(message: &str) -> String {
    let quoted = message.find("The Canonical String");
    let end = quoted.unwrap_or(message.len());
    let first_lines = message[..end].lines().map(str::trim);
    let lines: Vec<_> = first_lines.filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

pub(super) fn clock_ahead(response: &HttpResponse) -> Option<SignedDuration> {
    let date = response.headers().get("date")?;
    let there = rfc2822::parse(date).ok()?.timestamp();
    Some(Timestamp::now().duration_since(there))
}

/// The causes below the words of the SDK and of hyper, which only say that there is one.
fn chain(error: &dyn Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        let says_nothing = ["io error", "other", "timeout"].contains(&text.as_str())
            || text.starts_with("client error (");
        let repeats = causes.last().is_some_and(|last| last.contains(&text));
        if !says_nothing && !repeats {
            causes.push(text);
        }
        next = error.source();
    }
    causes.join(": ")
}

/// The libraries tell it by their words alone.
fn obstacle(why: &str) -> Obstacle {
    let says = |words: &[&str]| words.iter().any(|word| why.contains(word));
    if says(&["tunnel error"]) {
        Obstacle::Proxy
    } else if says(&["dns error"]) {
        Obstacle::Name
    } else if says(&["certificate", "TLS"]) {
        Obstacle::Trust
    } else {
        Obstacle::Network
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::operation::assume_role::AssumeRoleError;

    use super::*;

    #[test]
    fn silence_is_told_from_other_obstacles() {
        let error: SdkError<AssumeRoleError, HttpResponse> = SdkError::timeout_error("30 s");
        let error = AwsError::of(error);
        assert_eq!(
            error.to_string(),
            "AWS can't be reached: no answer came in time"
        );
        assert!(error.hint().contains("a VPC endpoint"), "{}", error.hint());
    }

    #[test]
    fn obstacles_are_known_by_the_words_of_the_libraries() {
        for (why, expected) in [
            (
                "dns error: failed to lookup address information: Name or service not known",
                Obstacle::Name,
            ),
            (
                "tunnel error: failed to create underlying connection: dns error",
                Obstacle::Proxy,
            ),
            (
                "TLS handshake failed: invalid peer certificate: UnknownIssuer",
                Obstacle::Trust,
            ),
            ("tcp connect error: Connection refused", Obstacle::Network),
        ] {
            assert_eq!(obstacle(why), expected, "{why}");
        }
    }
}
