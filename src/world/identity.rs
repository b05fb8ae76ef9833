use std::time::Duration;

use clap::ValueEnum;
use clap::builder::FalseyValueParser;
use jiff::Timestamp;

use super::duration;
use crate::aws::Surroundings;
use crate::aws::credentials::{self, NoCredentials, Pin, Resolved, Wish};
use crate::edge::{Failure, Kind, Out};

/// Which AWS credentials to use. Every command has these options; one that has no use for them says so.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options for AWS credentials")]
pub(crate) struct Identity {
    /// The profile of ~/.aws/config and ~/.aws/credentials; keys in the environment then do not count
    #[arg(long, global = true, env = "AWSAUTH_PROFILE", value_name = "NAME")]
    profile: Option<String>,

    /// The AWS region
    #[arg(long, global = true, env = "AWSAUTH_REGION", value_name = "REGION")]
    region: Option<String>,

    /// Take credentials from nowhere else
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_SOURCE",
        value_enum,
        value_name = "SOURCE"
    )]
    source: Option<SourceName>,

    /// Assume this role; may be repeated, each with the credentials of the one before
    #[arg(
        long = "role-arn",
        global = true,
        env = "AWSAUTH_ROLE_ARN",
        value_name = "ARN"
    )]
    roles: Vec<String>,

    /// The name of the role's session, which CloudTrail shows; without --role-arn, of the profile's role
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_ROLE_SESSION_NAME",
        value_name = "NAME"
    )]
    role_session_name: Option<String>,

    /// What the role's trust policy asks for as sts:ExternalId; without --role-arn, that of the profile's role
    #[arg(long, global = true, env = "AWSAUTH_EXTERNAL_ID", value_name = "ID")]
    external_id: Option<String>,

    /// How long the role's session lives, such as 1h; without --role-arn, that of the profile's role
    #[arg(long, global = true, env = "AWSAUTH_DURATION", value_name = "DURATION", value_parser = duration::parse)]
    duration: Option<Duration>,

    /// Neither use nor keep sessions in the user's cache folder
    #[arg(long, global = true, env = "AWSAUTH_NO_CACHE", value_parser = FalseyValueParser::new())]
    no_cache: bool,
}

/// Ids of these options.
pub(super) const OPTIONS: [&str; 8] = [
    "profile",
    "region",
    "source",
    "roles",
    "role_session_name",
    "external_id",
    "duration",
    "no_cache",
];

/// The values of `--source`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SourceName {
    /// EC2 instance metadata
    Instance,
    /// AWS_ACCESS_KEY_ID and its companions
    Env,
    /// The profile, in whichever way it gives credentials
    Profile,
    /// A web identity token: IRSA, a CI job
    WebIdentity,
    /// The container endpoint: ECS, EKS Pod Identity
    Container,
}

impl Identity {
    /// What is asked of [`credentials`].
    pub(crate) fn wish(&self) -> Wish {
        Wish {
            source: self.source.map(SourceName::pin),
            profile: self.profile.clone(),
            region: self.region.clone(),
            roles: self.roles.clone(),
            session_name: self.role_session_name.clone(),
            external_id: self.external_id.clone(),
            duration: self.duration,
            no_cache: self.no_cache,
        }
    }
}

impl SourceName {
    fn pin(self) -> Pin {
        match self {
            Self::Instance => Pin::Instance,
            Self::Env => Pin::Environment,
            Self::Profile => Pin::Profile,
            Self::WebIdentity => Pin::WebIdentity,
            Self::Container => Pin::Container,
        }
    }
}

/// Gets credentials, and says what the user should know of them.
pub(crate) fn resolve(
    what: &str,
    wish: &Wish,
    surroundings: &Surroundings,
    out: &mut Out,
) -> Result<Resolved, Failure> {
    let resolved = credentials::resolve(wish, surroundings, Timestamp::now());
    let resolved = resolved.map_err(|error| failure(what, &error))?;
    out.detail(|| format!("Signing with credentials of {}", resolved.source));
    for note in &resolved.notes {
        out.note(&format!("warning: {note}"));
    }
    Ok(resolved)
}

/// `what` could not be done for want of credentials. When no source has any, says why each has none.
pub(crate) fn failure(what: &str, error: &NoCredentials) -> Failure {
    let kind = if error.is_input() {
        Kind::Usage
    } else {
        Kind::Unreachable
    };
    let mut failure = Failure::new(kind, what).because(error);
    if error.failed.is_none() {
        failure = error.tried.iter().fold(failure, Failure::note);
    }
    if let Some(advice) = error.advice() {
        failure = advice.to_string().lines().fold(failure, Failure::note);
    }
    failure.hint(error.hint())
}
