use std::fmt;
use std::io;
use std::time::Duration;

use thiserror::Error;

use super::PATIENCE;
use crate::aws::issued::IssuedError;
use crate::trust;

/// Why instance metadata gave nothing, told apart by what to do about it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImdsError {
    /// The user switched it off.
    #[error("instance metadata is switched off here: AWS_EC2_METADATA_DISABLED is true")]
    Disabled,
    /// The configured endpoint can't be asked.
    #[error("{value:?}, which is {setting}, is not an http URL")]
    Endpoint {
        /// As it was given.
        value: String,
        /// The variable or key that gave it.
        setting: String,
    },
    /// The configured endpoint mode is none.
    #[error("{value:?}, which is {setting}, is neither IPv4 nor IPv6")]
    Mode {
        /// As it was given.
        value: String,
        /// The variable or key that gave it.
        setting: String,
    },
    /// Nothing accepts connections: not EC2, or something stands between.
    #[error("no instance metadata service is at {endpoint}: {how}")]
    Unreachable {
        /// What was asked.
        endpoint: String,
        /// How the connection failed.
        how: Unreached,
        /// Whether this machine's firmware says that it is an EC2 instance.
        on_ec2: bool,
        /// What the system says.
        source: Option<io::Error>,
    },
    /// Connections open, but the answer to the PUT never arrives in this container.
    #[error(
        "the instance metadata service at {endpoint} accepts connections, but its answer with the session token does not \
         reach this container, most likely because the instance's HttpPutResponseHopLimit is 1"
    )]
    HopLimit {
        /// What was asked.
        endpoint: String,
        /// Which instance it is.
        instance: Instance,
    },
    /// Connections open, but the PUT is not answered, and this is no container as far as one can see.
    #[error(
        "the instance metadata service at {endpoint} accepts connections, but did not answer the request for a session token within {patience}",
        patience = seconds(PATIENCE)
    )]
    NoAnswer {
        /// What was asked.
        endpoint: String,
        /// Which instance it is.
        instance: Instance,
    },
    /// 403 on an EC2 instance: the metadata service is switched off on it.
    #[error("the instance metadata service is switched off for this instance: it answers 403")]
    SwitchedOff {
        /// Which instance it is.
        instance: Instance,
    },
    /// 403 where nothing says that this is an EC2 instance: whatever answers there gives nothing.
    #[error("what answers at {endpoint} gives nothing: it answers 403")]
    Forbidden {
        /// What was asked.
        endpoint: String,
    },
    /// There are no sessions (IMDSv2), and the user forbids IMDSv1.
    #[error("no session (IMDSv2) could be had, because {why}, and {setting} forbids IMDSv1")]
    V1Disabled {
        /// Why there is no session.
        why: NoSession,
        /// The setting that forbids IMDSv1.
        setting: String,
    },
    /// There are no sessions, and without one nothing is told.
    #[error("no session (IMDSv2) could be had, because {why}, and without one it answers 401")]
    V2Required {
        /// Why there is no session.
        why: NoSession,
    },
    /// What answers is something else.
    #[error("what answers at {endpoint} is not the metadata service of EC2: {saw}")]
    NotEc2 {
        /// What was asked.
        endpoint: String,
        /// What gave it away.
        saw: String,
    },
    /// The instance has no instance profile.
    #[error("{} has no instance profile, so it has no role", instance.name())]
    NoProfile {
        /// Which instance it is.
        instance: Instance,
    },
    /// The instance's profile was deleted, or deleted and created anew under the same name.
    #[error("the instance profile of {} was deleted (InstanceProfileNotFound)", instance.name())]
    ProfileNotFound {
        /// Which instance it is.
        instance: Instance,
    },
    /// The instance's profile holds no role.
    #[error("the instance profile {} does not contain a role", profile.as_deref().unwrap_or("of this instance"))]
    ProfileWithoutRole {
        /// Its ARN.
        profile: Option<String>,
    },
    /// EC2 may not assume the role.
    #[error(
        "EC2 may not assume the role {role} (AssumeRoleUnauthorizedAccess): its trust policy does not name {}",
        trust::EC2
    )]
    NotTrusted {
        /// The role's name.
        role: String,
    },
    /// The service has no credentials for the role, for another reason.
    #[error(
        "the instance metadata service has no credentials for the role {role}: {code}{}",
        colon(message)
    )]
    NoCredentials {
        /// The role's name.
        role: String,
        /// Its word for the reason.
        code: String,
        /// Its sentence for the reason.
        message: String,
    },
    /// It keeps failing.
    #[error("the instance metadata service keeps failing: {what} was answered {status}")]
    Failing {
        /// What was asked for.
        what: String,
        /// The last status.
        status: u16,
    },
    /// It refuses what it should not.
    #[error("the instance metadata service refused: {what} was answered {status}")]
    Refused {
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
    },
    /// It did not answer in time.
    #[error(
        "the instance metadata service did not give {what} within {}",
        seconds(PATIENCE)
    )]
    Slow {
        /// What was being waited for.
        what: String,
    },
    /// The connection broke, again and again.
    #[error("the connection to the instance metadata service broke while waiting for {what}")]
    Lost {
        /// What was being waited for.
        what: String,
        /// Why, as far as is known.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What it gave as credentials can't be read.
    #[error("the credentials of the role {role} from instance metadata can't be read")]
    Garbage {
        /// The role's name.
        role: String,
        /// What is wrong with them.
        source: IssuedError,
    },
}

/// How a connection failed to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// Nothing listens there, or a firewall says so.
    Refused,
    /// The network does not lead there.
    NoRoute,
    /// Nobody answered.
    TimedOut,
    /// Anything else.
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
            Self::NoRoute => "no route leads there",
            Self::TimedOut => "the connection did not open within 1 s",
            Self::Other => "the connection can't be opened",
        })
    }
}

/// Why there is no session (IMDSv2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSession {
    /// The service does not offer them: the status of its answer to the PUT.
    NotOffered(u16),
    /// The service's answer to the PUT did not arrive.
    Unanswered,
    /// The service failed at it: its last status.
    Failed(u16),
    /// The connection broke over it.
    Broken,
}

impl fmt::Display for NoSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = "the instance metadata service";
        match self {
            Self::NotOffered(status) => {
                write!(f, "{it} answered the request for one with {status}")
            }
            Self::Unanswered => write!(f, "{it}'s answer to the request for one did not arrive"),
            Self::Failed(status) => write!(f, "{it} failed at the request for one with {status}"),
            Self::Broken => write!(f, "{it} broke the connection over the request for one"),
        }
    }
}

/// Which instance this is, as far as it is known; for commands to paste.
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

    /// `aws ec2 VERB --instance-id … REST`, in the instance's region.
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
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Disabled => "switch it on again: unset AWS_EC2_METADATA_DISABLED".into(),
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
                "this is an EC2 instance, so a firewall or a network policy keeps the service away: curl -m 2 -X PUT -H \
                 'X-aws-ec2-metadata-token-ttl-seconds: 60' {}/latest/api/token",
                endpoint.trim_end_matches('/')
            ),
            Self::HopLimit { instance, .. } => format!(
                "let the answer travel one hop further: {}\nor give the pod a role of its own, with EKS Pod Identity or IRSA",
                instance.one_hop_more()
            ),
            Self::NoAnswer { instance, .. } => format!(
                "if this runs in a container or a virtual machine on the instance, let the answer travel one hop further: {}",
                instance.one_hop_more()
            ),
            Self::SwitchedOff { instance } => format!(
                "switch it on: {}",
                instance.command("modify-instance-metadata-options", "--http-endpoint enabled")
            ),
            Self::V1Disabled { setting, .. } => {
                format!("allow IMDSv1 where there is nothing better: remove {setting}")
            }
            Self::NoProfile { instance } => format!(
                "attach one, and wait up to a minute: {}",
                instance.associate()
            ),
            Self::ProfileNotFound { instance } => format!(
                "attach one that exists, even if one of the same name does: {}",
                instance.associate()
            ),
            Self::ProfileWithoutRole { profile } => {
                let name = profile.as_deref().and_then(|arn| arn.rsplit('/').next());
                format!(
                    "put one in, then wait for EC2's next refresh: aws iam add-role-to-instance-profile --instance-profile-name {} --role-name ROLE",
                    name.unwrap_or("PROFILE")
                )
            }
            Self::NotTrusted { role } => format!(
                "add this statement to the trust policy of the role {role}, then wait for EC2's next refresh:\n{}",
                trust::statement_for_service(trust::EC2)
            ),
            Self::V2Required { .. }
            | Self::NotEc2 { .. }
            | Self::NoCredentials { .. }
            | Self::Failing { .. }
            | Self::Refused { .. }
            | Self::Slow { .. }
            | Self::Lost { .. }
            | Self::Garbage { .. } => {
                "try again; until it works, name another source of credentials, such as --profile NAME".into()
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
