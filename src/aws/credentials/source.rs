use std::fmt;

/// Where credentials come from, in the order in which botocore asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// `AWS_ACCESS_KEY_ID` and its companions.
    Environment,
    /// A role that a profile names with `role_arn`, and that `source_profile` or `credential_source` may assume.
    Role,
    /// A token file of an OpenID Connect provider: IRSA, a CI job.
    WebIdentity,
    /// IAM Identity Center.
    Sso,
    /// Keys in the shared credentials file.
    CredentialsFile,
    /// What `aws login` left.
    Login,
    /// A profile's `credential_process`.
    Process,
    /// Keys in the config file.
    ConfigFile,
    /// `AWS_CREDENTIAL_FILE`, of the first EC2 tools.
    Ec2File,
    /// The config file of boto 2.
    BotoFile,
    /// The container endpoint: ECS, EKS Pod Identity.
    Container,
    /// EC2 instance metadata.
    Instance,
}

impl Source {
    /// In one word, as scripts may read it.
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

/// The only kind of source that may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// EC2 instance metadata.
    Instance,
    /// Environment variables.
    Environment,
    /// The profile, in whichever way it gives credentials.
    Profile,
    /// A web identity token, of the environment or the profile.
    WebIdentity,
    /// The container endpoint.
    Container,
}

impl Pin {
    /// Its name as a value of `--source`.
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
