//! The options of AWS credentials.

use std::time::Duration;

use clap::ValueEnum;
use clap::builder::FalseyValueParser;
use jiff::Timestamp;

use super::duration;
use crate::terminal::{Failure, Kind, Out};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::{
    self, CredentialOptions, NoCredentials, ResolvedCredentials, SourceChoice,
};
use awsauth_core::shell_quote::quoted;

/// The options of AWS credentials. Every command accepts them. A command that does not use them reports that.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options for AWS credentials")]
pub(crate) struct CredentialArgs {
    /// The profile of ~/.aws/config and ~/.aws/credentials; takes precedence over keys in the environment
    #[arg(long, global = true, env = "AWSAUTH_PROFILE", value_name = "NAME")]
    profile: Option<String>,

    /// The AWS region
    #[arg(long, global = true, env = "AWSAUTH_REGION", value_name = "REGION")]
    region: Option<String>,

    /// Use only this source of credentials
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_SOURCE",
        value_enum,
        value_name = "SOURCE"
    )]
    source: Option<SourceName>,

    /// Assume this role; may be repeated, each with the credentials of the previous one
    #[arg(
        long = "role-arn",
        global = true,
        env = "AWSAUTH_ROLE_ARN",
        value_name = "ARN"
    )]
    roles: Vec<String>,

    /// The role session name, as CloudTrail shows it; without --role-arn, it applies to the profile's role
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_ROLE_SESSION_NAME",
        value_name = "NAME"
    )]
    role_session_name: Option<String>,

    /// The sts:ExternalId that the role's trust policy requires; without --role-arn, it applies to the profile's role
    #[arg(long, global = true, env = "AWSAUTH_EXTERNAL_ID", value_name = "ID")]
    external_id: Option<String>,

    /// The session duration of the role, such as 1h; without --role-arn, it applies to the profile's role
    #[arg(long, global = true, env = "AWSAUTH_DURATION", value_name = "DURATION", value_parser = duration::parse)]
    duration: Option<Duration>,

    /// Neither read nor write sessions in the user's cache folder
    #[arg(long, global = true, env = "AWSAUTH_NO_CACHE", value_parser = FalseyValueParser::new())]
    no_cache: bool,
}

/// The ids of these options.
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
    /// AWS_ACCESS_KEY_ID and related variables
    Env,
    /// The profile, with any of its sources
    Profile,
    /// A web identity token: IRSA or a CI job
    WebIdentity,
    /// The container endpoint of ECS and EKS Pod Identity
    Container,
}

impl CredentialArgs {
    /// Returns the options with another region, and with one more role to assume.
    pub(crate) fn with(&self, region: Option<&str>, role: Option<&str>) -> Self {
        let mut changed = self.clone();
        changed.region = region.map(str::to_owned).or(changed.region);
        changed.roles.extend(role.map(str::to_owned));
        changed
    }

    /// Returns the options that select an account and a region in another command, each preceded by a space.
    pub(crate) fn selection(&self) -> String {
        let profile = self.profile.iter().map(|value| ("profile", value));
        let region = self.region.iter().map(|value| ("region", value));
        let roles = self.roles.iter().map(|value| ("role-arn", value));
        profile
            .chain(region)
            .chain(roles)
            .map(|(name, value)| format!(" --{name} {}", quoted(value)))
            .collect()
    }

    /// Returns the options for [`credentials`].
    pub(crate) fn credential_options(&self) -> CredentialOptions {
        CredentialOptions {
            source: self.source.map(SourceName::pin),
            profile: self.profile.clone(),
            region: self.region.clone(),
            roles: self.roles.clone(),
            session_name: self.role_session_name.clone(),
            external_id: self.external_id.clone(),
            duration: self.duration,
            no_cache: self.no_cache,
            forward_session_name: false,
        }
    }
}

impl SourceName {
    fn pin(self) -> SourceChoice {
        match self {
            Self::Instance => SourceChoice::Instance,
            Self::Env => SourceChoice::Environment,
            Self::Profile => SourceChoice::Profile,
            Self::WebIdentity => SourceChoice::WebIdentity,
            Self::Container => SourceChoice::Container,
        }
    }
}

/// Resolves credentials and prints notes about them.
pub(crate) fn resolve(
    what: &str,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
    out: &mut Out,
) -> Result<ResolvedCredentials, Failure> {
    let resolved = credentials::resolve(credential_options, aws_environment, Timestamp::now());
    let resolved = resolved.map_err(|error| failure(what, &error))?;
    show(&resolved, out);
    Ok(resolved)
}

/// Prints the source of credentials (a detail) and the warnings about them.
pub(super) fn show(resolved: &ResolvedCredentials, out: &mut Out) {
    out.detail(|| format!("Signing with credentials of {}", resolved.source));
    for note in &resolved.notes {
        out.note(&format!("warning: {note}"));
    }
}

/// Converts an error. If no source has credentials, the failure lists why each has none.
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
