//! The sources of credentials.

use std::fmt;

/// A source of credentials, in botocore's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `AWS_ACCESS_KEY_ID` and related variables.
    Environment,
    /// The role of a profile's `role_arn`, assumed with its `source_profile` or `credential_source`.
    Role,
    /// A token file of an OpenID Connect provider: IRSA or a CI job.
    WebIdentity,
    Sso,
    CredentialsFile,
    /// The session of `aws login`.
    Login,
    Process,
    ConfigFile,
    /// `AWS_CREDENTIAL_FILE` of obsolete EC2 tools.
    Ec2File,
    BotoFile,
    /// The container endpoint of ECS and EKS Pod Identity.
    Container,
    Instance,
}

impl Source {
    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "env",
            Self::Role => "role",
            Self::WebIdentity => "web-identity",
            Self::Sso => "sso",
            Self::CredentialsFile => "credentials-file",
            Self::Login => "login",
            Self::Process => "process",
            Self::ConfigFile => "config-file",
            Self::Ec2File => "ec2-file",
            Self::BotoFile => "boto-file",
            Self::Container => "container",
            Self::Instance => "instance",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "environment variables",
            Self::Role => "role of a profile",
            Self::WebIdentity => "web identity",
            Self::Sso => "IAM Identity Center",
            Self::CredentialsFile => "credentials file",
            Self::Login => "aws login",
            Self::Process => "credential process",
            Self::ConfigFile => "config file",
            Self::Ec2File => "AWS_CREDENTIAL_FILE",
            Self::BotoFile => "boto config file",
            Self::Container => "container credentials",
            Self::Instance => "instance metadata",
        })
    }
}

/// The value of `--source`: the only source to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceChoice {
    Instance,
    Environment,
    /// The profile, with any of its sources.
    Profile,
    /// A web identity token of the environment or the profile.
    WebIdentity,
    Container,
}

impl SourceChoice {
    /// Returns the value of `--source`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Environment => "env",
            Self::Profile => "profile",
            Self::WebIdentity => "web-identity",
            Self::Container => "container",
        }
    }
}

/// A source without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub source: Source,
    /// What the source lacks.
    pub why: String,
    /// What to do next, if that helps.
    pub hint: Option<String>,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.why)
    }
}
