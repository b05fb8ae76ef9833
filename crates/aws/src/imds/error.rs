//! Errors of instance metadata.

use std::fmt;
use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::metadata_credentials::CredentialsResponseError;
use awsauth_core::assume_role_advice;

/// The limit for all requests of one [`Imds`](super::Imds) together.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// Why instance metadata returned nothing.
#[derive(Debug, Error)]
pub enum ImdsError {
    /// A setting disables instance metadata.
    #[error("instance metadata is disabled: AWS_EC2_METADATA_DISABLED is true")]
    Disabled,
    /// The configured endpoint is invalid.
    #[error("{setting} is {value:?}, which is not an http URL")]
    Endpoint {
        /// The URL without user and password.
        value: String,
        /// The variable or profile option.
        setting: String,
    },
    /// The configured endpoint mode is invalid.
    #[error("{setting} is {value:?}, which is neither IPv4 nor IPv6")]
    Mode {
        value: String,
        /// The variable or profile option.
        setting: String,
    },
    /// Nothing accepts connections: this is not EC2, or a firewall blocks it.
    #[error("no instance metadata service is at {endpoint}: {how}")]
    Unreachable {
        endpoint: String,
        how: Unreached,
        /// Whether the firmware identifies an EC2 instance.
        on_ec2: bool,
        source: Option<io::Error>,
    },
    /// The service accepts connections, but the response to the PUT does not reach this container.
    #[error(
        "the instance metadata service at {endpoint} accepts connections, but its response with the session token does not \
         reach this container, most likely because the instance's HttpPutResponseHopLimit is 1"
    )]
    HopLimit {
        endpoint: String,
        instance: Instance,
    },
    /// The service accepts connections, but does not respond to the PUT. This does not seem to be a container.
    #[error(
        "the instance metadata service at {endpoint} accepts connections, but did not respond to the request for a session token within {patience}",
        patience = seconds(TIMEOUT)
    )]
    NoAnswer {
        endpoint: String,
        instance: Instance,
    },
    /// Status 403 from the service itself, or on an EC2 instance: its metadata options disable the service.
    #[error("the instance metadata service is disabled for this instance: it returns 403")]
    SwitchedOff { instance: Instance },
    /// Status 403 from another server, and the firmware does not identify an EC2 instance.
    #[error("the server at {endpoint} returns 403")]
    Forbidden { endpoint: String },
    /// No session (IMDSv2) is available, and a setting forbids IMDSv1.
    #[error("no session (IMDSv2) is available, because {why}, and {setting} forbids IMDSv1")]
    V1Disabled {
        why: NoSession,
        /// The setting that forbids IMDSv1.
        setting: String,
    },
    /// No session is available, and the service requires one.
    #[error("no session (IMDSv2) is available, because {why}, and without one it returns 401")]
    V2Required { why: NoSession },
    /// Another server answers.
    #[error("the server at {endpoint} is not the metadata service of EC2: {saw}")]
    NotEc2 {
        endpoint: String,
        /// The evidence for that.
        saw: String,
    },
    /// The instance has no instance profile.
    #[error("{} has no instance profile, so it has no role", instance.name())]
    NoProfile { instance: Instance },
    /// The instance profile was deleted, or deleted and recreated with the same name.
    #[error("the instance profile of {} was deleted (InstanceProfileNotFound)", instance.name())]
    ProfileNotFound { instance: Instance },
    /// The instance profile has no role.
    #[error("the instance profile {} does not contain a role", profile.as_deref().unwrap_or("of this instance"))]
    ProfileWithoutRole {
        /// Its ARN.
        profile: Option<String>,
    },
    /// EC2 is not allowed to assume the role.
    #[error(
        "EC2 may not assume the role {role} (AssumeRoleUnauthorizedAccess): its trust policy does not name {}",
        assume_role_advice::EC2
    )]
    NotTrusted { role: String },
    /// The service has no credentials for the role.
    #[error(
        "the instance metadata service has no credentials for the role {role}: {code}{}",
        colon(message)
    )]
    NoCredentials {
        role: String,
        code: String,
        message: String,
    },
    /// Repeated failures of the service.
    #[error(
        "the instance metadata service keeps failing: the request for {what} returned {status}"
    )]
    Failing {
        /// The item that was requested.
        what: String,
        /// The last status.
        status: u16,
    },
    /// The service refused a request that it should answer.
    #[error("the instance metadata service refused: the request for {what} returned {status}")]
    Refused {
        /// The item that was requested.
        what: String,
        status: u16,
    },
    /// No response in time.
    #[error(
        "the instance metadata service did not return {what} within {}",
        seconds(TIMEOUT)
    )]
    Slow {
        /// The item that was requested.
        what: String,
    },
    /// The connection was lost repeatedly.
    #[error("the connection to the instance metadata service broke while waiting for {what}")]
    Lost {
        /// The item that was requested.
        what: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The credentials cannot be parsed.
    #[error("the credentials of the role {role} from instance metadata cannot be parsed")]
    Malformed {
        role: String,
        source: CredentialsResponseError,
    },
}

/// Why a connection could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// Nothing listens there, or a firewall refuses the connection.
    Refused,
    /// The network has no route to the address.
    NoRoute,
    TimedOut,
    Other,
}

impl Unreached {
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => Self::NoRoute,
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the connection was refused",
            Self::NoRoute => "there is no route",
            Self::TimedOut => "the connection did not open within 1 s",
            Self::Other => "the connection cannot be opened",
        })
    }
}

/// Why no session (IMDSv2) is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSession {
    /// The service does not offer sessions: the status of its response to the PUT.
    NotOffered(u16),
    /// The response to the PUT did not arrive.
    Unanswered,
    /// The service failed: its last status.
    Failed(u16),
    /// The connection was lost during the PUT.
    Broken,
}

impl fmt::Display for NoSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = "the instance metadata service";
        match self {
            Self::NotOffered(status) => {
                write!(f, "{it} returned {status}")
            }
            Self::Unanswered => write!(f, "{it}'s response to the request for one did not arrive"),
            Self::Failed(status) => write!(f, "{it} failed at the request for one with {status}"),
            Self::Broken => write!(f, "{it} broke the connection over the request for one"),
        }
    }
}

/// The instance, as far as it is known, for commands in hints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Such as `i-0abc1234def567890`.
    pub id: Option<String>,
    /// Such as `eu-west-1`.
    pub region: Option<String>,
}

impl Instance {
    fn name(&self) -> String {
        match &self.id {
            Some(id) => format!("the instance {id}"),
            None => "this instance".to_owned(),
        }
    }

    /// Returns `aws ec2 VERB --instance-id … REST` for the instance's region.
    fn command(&self, verb: &str, rest: &str) -> String {
        let id = self.id.as_deref().unwrap_or("INSTANCE_ID");
        let region = self.region.as_deref();
        let region = region.map(|region| format!(" --region {region}"));
        let region = region.unwrap_or_default();
        format!("aws ec2 {verb} --instance-id {id} {rest}{region}")
    }

    fn one_hop_more(&self) -> String {
        self.command(
            "modify-instance-metadata-options",
            "--http-put-response-hop-limit 2",
        )
    }

    fn associate(&self) -> String {
        self.command(
            "associate-iam-instance-profile",
            "--iam-instance-profile Name=PROFILE",
        )
    }
}

impl ImdsError {
    /// Whether this shows an instance metadata service that should provide credentials.
    pub fn shows_a_service(&self) -> bool {
        matches!(
            self,
            Self::HopLimit { .. }
                | Self::NoAnswer { .. }
                | Self::SwitchedOff { .. }
                | Self::NoProfile { .. }
                | Self::ProfileNotFound { .. }
                | Self::ProfileWithoutRole { .. }
                | Self::NotTrusted { .. }
                | Self::NoCredentials { .. }
        )
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Disabled => "enable it: unset AWS_EC2_METADATA_DISABLED".into(),
            Self::Endpoint { setting, .. } => {
                format!("set {setting} to a URL such as http://169.254.169.254, or remove it")
            }
            Self::Mode { setting, .. } => format!("set {setting} to IPv4 or IPv6, or remove it"),
            Self::Unreachable { on_ec2: false, .. } | Self::Forbidden { .. } => {
                "this machine does not look like an EC2 instance: name a profile with --profile, or set AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY"
                    .into()
            }
            Self::Unreachable { endpoint, .. } => format!(
                "this is an EC2 instance, so a firewall or a network policy blocks the service: curl -m 2 -X PUT -H \
                 'X-aws-ec2-metadata-token-ttl-seconds: 60' {}/latest/api/token",
                endpoint.trim_end_matches('/')
            ),
            Self::HopLimit { instance, .. } => format!(
                "raise the hop limit: {}\nor give the pod its own role with EKS Pod Identity or IRSA",
                instance.one_hop_more()
            ),
            Self::NoAnswer { instance, .. } => format!(
                "if this runs in a container or a virtual machine on the instance, raise the hop limit: {}",
                instance.one_hop_more()
            ),
            Self::SwitchedOff { instance } => format!(
                "enable it: {}",
                instance.command("modify-instance-metadata-options", "--http-endpoint enabled")
            ),
            Self::V1Disabled { setting, .. } => {
                format!("if IMDSv2 is not possible, allow IMDSv1: remove {setting}")
            }
            Self::NoProfile { instance } => format!(
                "attach one, and wait up to a minute: {}",
                instance.associate()
            ),
            Self::ProfileNotFound { instance } => format!(
                "attach an existing one, even if it has the same name: {}",
                instance.associate()
            ),
            Self::ProfileWithoutRole { profile } => {
                let name = profile.as_deref().and_then(|arn| arn.rsplit('/').next());
                format!(
                    "add a role, then wait for EC2's next refresh: aws iam add-role-to-instance-profile --instance-profile-name {} --role-name ROLE",
                    name.unwrap_or("PROFILE")
                )
            }
            Self::NotTrusted { role } => format!(
                "add this statement to the trust policy of the role {role}, then wait for EC2's next refresh:\n{}",
                assume_role_advice::statement_for_service(assume_role_advice::EC2)
            ),
            Self::V2Required { .. }
            | Self::NotEc2 { .. }
            | Self::NoCredentials { .. }
            | Self::Failing { .. }
            | Self::Refused { .. }
            | Self::Slow { .. }
            | Self::Lost { .. }
            | Self::Malformed { .. } => {
                "try again, or use another source of credentials, such as --profile NAME".into()
            }
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f32())
}

fn colon(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}
