use jiff::SignedDuration;

use super::{AwsError, Obstacle, Refused};

/// STS takes no signature that is older or younger.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
const TOLERATED: SignedDuration = SignedDuration::from_mins(5);

impl AwsError {
    /// What to do next, whatever was asked.
    pub fn hint(&self) -> String {
        match self {
            Self::Refused(refused) => refused.hint(),
            Self::Unreachable { obstacle, .. } => obstacle.hint().to_owned(),
            Self::Garbage { .. } => {
                "see whether AWS_ENDPOINT_URL or a proxy sends it elsewhere".into()
            }
            Self::Empty => {
                "try again; if it stays, something stands between this machine and AWS".into()
            }
        }
    }
}

impl Obstacle {
    fn hint(self) -> &'static str {
        match self {
            Self::Silence => {
                "see whether this network leads to AWS: a VPC endpoint for the service, a NAT gateway, or HTTPS_PROXY"
            }
            Self::Proxy => {
                "see whether HTTPS_PROXY names the right proxy, and whether it lets the service's host through; NO_PROXY goes around it"
            }
            Self::Name => {
                "see whether the region exists and this network's DNS knows AWS: --region NAME, AWS_ENDPOINT_URL"
            }
            Self::Trust => {
                "if a proxy opens TLS here, let AWS_CA_BUNDLE name a file with the certificate of its authority"
            }
            Self::Network => {
                "see whether this network leads to AWS, and whether HTTPS_PROXY and AWS_ENDPOINT_URL say what they should"
            }
        }
    }
}

impl Refused {
    /// Whether this machine's clock is so far off that AWS takes no signature of it.
    pub fn clock_is_off(&self) -> bool {
        self.clock_ahead
            .is_some_and(|ahead| ahead.abs() > TOLERATED)
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
            "ExpiredToken" | "ExpiredTokenException" => "get new credentials from wherever these came; those of the environment may be left over: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN",
            "InvalidClientTokenId" | "UnrecognizedClientException" => "the access key was deleted or deactivated, its session token is missing, or it is of another partition, or of an opt-in region that is off: aws iam list-access-keys",
            "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" => "the secret access key is not the one of this access key id: copy both anew, without blanks",
            "RegionDisabledException" => "activate STS in that region (IAM console, Account settings), or name another with --region",
            "PackedPolicyTooLarge" | "PackedPolicyTooLargeException" => "pass fewer or shorter session tags",
            "AccessDenied" | "AccessDeniedException" => "have an administrator allow it",
            "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => "try again in a minute",
            "ValidationError" if self.message.contains("role chaining") => "a session that a session assumed lives at most an hour: leave out --duration",
            "ValidationError" if self.message.contains("MaxSessionDuration") => "ask for a shorter --duration, or raise the role's maximum: aws iam update-role --role-name NAME --max-session-duration SECONDS",
            "ValidationError" => "correct what it names",
            _ => return match &self.request_id {
                Some(id) => format!("look the code up in the service's API reference; AWS support finds the request by its id {id}"),
                None => "look the code up in the service's API reference".to_owned(),
            },
        }
        .to_owned()
    }
}
