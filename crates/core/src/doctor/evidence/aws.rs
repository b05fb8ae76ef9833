//! Evidence from AWS: credentials, caller and cluster.

use jiff::{SignedDuration, Timestamp};

use super::Problem;
use crate::endpoint_trust::DescribedEndpoint;
use crate::facts::authentication_mode::AuthenticationMode;

/// Credentials that were found, without their secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCredentials {
    /// The source in words.
    pub source: String,
    /// The source as a word, the value of `--source` if it has one.
    pub source_name: &'static str,
    /// The last four characters of the access key id.
    pub key: String,
    pub expiration: Option<Timestamp>,
    /// Whether the key has a session token.
    pub is_temporary: bool,
    /// What is certainly wrong with the key. AWS reports it less precisely.
    pub key_problem: Option<Problem>,
    /// A section that was intended to be the selected profile but is not read.
    pub ignored_section: Option<Problem>,
    /// The profiles of the config files that assume a role, each with the role's ARN.
    pub role_profiles: Vec<(String, String)>,
    /// The assumed roles.
    pub roles: Vec<String>,
    /// The sources tried before, each with the reason why it has none.
    pub tried: Vec<String>,
    /// Warnings for the user.
    pub notes: Vec<String>,
    pub region: String,
    /// Where the region is configured.
    pub region_from: String,
}

/// The check that reports a failed search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedAt {
    /// C1: no source has credentials.
    Chain,
    /// C2: a profile, or what it names.
    Profile,
    /// C3: a web identity token.
    WebIdentity,
    /// C4: the container endpoint.
    Container,
    /// C5: instance metadata cannot be reached.
    Imds,
    /// C6: responses of instance metadata do not arrive.
    HopLimit,
    /// C7: the instance has no instance profile.
    NoProfile,
    /// C8: the instance profile provides no role.
    NoRole,
    /// C9: the credentials have expired.
    Expired,
    /// C10: AWS rejects them or cannot be reached.
    Caller,
    /// C13: the region.
    Region,
    /// C14: a role cannot be assumed.
    AssumeRole,
}

/// A failed search for credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchFailed {
    /// The check that reports the failure.
    pub place: FailedAt,
    /// The source that should have provided them.
    pub source: Option<String>,
    /// The reason and the next step.
    pub problem: Problem,
    /// The sources that were tried, each with the reason why it has none.
    pub tried: Vec<String>,
    /// If a role cannot be assumed: the caller's permission, and the role's trust policy.
    pub policies: Option<Box<[PolicySide; 2]>>,
    /// If a role cannot be assumed: a condition or limit that is known to deny it, and what to do.
    pub obstacle: Option<Problem>,
    /// The role that cannot be assumed.
    pub role: Option<String>,
    /// The caller that AWS names in the denial.
    pub caller: Option<String>,
    /// The role that the credentials should become in the end.
    pub intended: Option<String>,
    /// Whether the denied request had an external id.
    pub has_external_id: bool,
    /// How far this machine's clock is ahead of AWS, if AWS answered.
    pub clock_ahead: Option<SignedDuration>,
}

/// One of the two policies that decide whether a role can be assumed: the caller's permission or the role's trust policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySide {
    /// The policy in words.
    pub title: String,
    /// What is known about the policy.
    pub because: String,
    /// The missing statement as JSON.
    pub statement: Option<String>,
    /// Whether it certainly denies the request.
    pub is_missing: bool,
    /// Whether the policy could not be read.
    pub is_unread: bool,
}

/// The identity of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The ARN as STS reports it.
    pub arn: String,
    pub account: String,
}

/// Why STS did not report an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsProblem {
    /// The error code; `None` if STS was not reached.
    pub code: Option<String>,
    /// The reason and the next step.
    pub problem: Problem,
    /// If a long-term key was rejected with a session token: the ARN of the key's owner, from a request without the token.
    pub key_owner: Option<String>,
    /// How far this machine's clock is ahead of AWS.
    pub clock_ahead: Option<SignedDuration>,
}

/// The response of DescribeCluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDescription {
    pub name: String,
    pub arn: String,
    /// The API server's URL.
    pub endpoint: String,
    /// What identifies the endpoint; `None` if EKS's response has no certificate authority.
    pub identity: Option<DescribedEndpoint>,
    /// Whether the kubeconfig's certificate name and authority prove that its server is this endpoint, which may be
    /// behind a tunnel.
    pub is_proven: bool,
    /// Whether the kubeconfig has the same certificate authority; `None` if unknown.
    pub same_authority: Option<bool>,
    /// The authentication mode.
    pub mode: Option<AuthenticationMode>,
    /// The Kubernetes version and the platform version.
    pub version: String,
    /// Whether the authenticator's log is on.
    pub logs_authenticator: bool,
}

impl ClusterDescription {
    /// Returns the region in the ARN; `None` if that is malformed.
    pub fn region(&self) -> Option<&str> {
        self.arn.split(':').nth(3)
    }

    /// Returns whether a server of a kubeconfig is the cluster's.
    pub(in crate::doctor) fn is_at(&self, server: &str) -> bool {
        let host = |url: &str| {
            let url = url.trim_end_matches('/').to_ascii_lowercase();
            url.strip_suffix(":443").map(str::to_owned).unwrap_or(url)
        };
        self.is_proven || host(server) == host(&self.endpoint)
    }
}

/// Why EKS did not describe the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DescribeFailure {
    /// No cluster has this name.
    NoSuchCluster(Problem),
    /// Its status does not allow a sign-in.
    NotReady(Problem),
    /// IAM denied the request.
    Denied(String),
    /// The request failed.
    Unknown(String),
}
