//! Evidence from the API server: token, connection, aws-auth and permissions.

use jiff::{SignedDuration, Timestamp};

use super::Problem;
use crate::aws_auth_snapshot::Snapshot;
use crate::token::TokenError;

/// Who created the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The kubeconfig's exec plugin.
    Plugin,
    /// Unknown: it is a static token of the kubeconfig.
    Kubeconfig,
    /// awsauth, with the credentials that it found.
    Awsauth,
}

/// A token, as the authenticator reads it before it calls STS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub signer: Signer,
    pub bytes: usize,
    /// The cluster name in the request to STS.
    pub cluster: String,
    /// The STS host and the time of the signature.
    pub read: Result<(String, Timestamp), TokenError>,
    /// The expiration of the credentials, if awsauth signed it.
    pub keys_end: Option<Timestamp>,
}

/// The identity that STS reports for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCaller {
    /// The ARN as STS reports it.
    pub arn: String,
    /// The session name; empty for IAM users.
    pub session_name: String,
    /// How far this machine's clock is ahead of AWS.
    pub clock_ahead: Option<SignedDuration>,
}

/// An attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionAttempt {
    /// The IP address and port.
    pub address: String,
    /// Whether this is the address of a proxy.
    pub is_proxy: bool,
    /// Why the connection failed.
    pub failed: Option<ConnectionFailure>,
}

/// Why a connection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionFailure {
    /// No response within the time limit.
    TimedOut,
    /// The connection was refused.
    Refused,
    /// Another error of the system.
    Other(String),
}

/// Why the API server does not show that it is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivenessFailure {
    /// The reason and the next step.
    pub problem: Problem,
    /// Whether an authority that the kubeconfig does not trust signed the server's certificate.
    pub is_untrusted: bool,
}

/// The API server's response to the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedIn {
    /// The user and groups of the token.
    In {
        username: String,
        groups: Vec<String>,
    },
    /// 401: the token is rejected.
    Unauthorized,
    /// 403: the token is accepted, but its user may not create a SelfSubjectReview.
    Forbidden(String),
    /// The request failed.
    Failed(Problem),
}

/// aws-auth as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsAuth {
    /// How it was read.
    pub place: String,
    /// Whether the ConfigMap exists.
    pub exists: bool,
    /// Its contents.
    pub snapshot: Snapshot,
    /// The last change, if it is recorded.
    pub changed: Option<Timestamp>,
    /// If it does not exist: other ConfigMaps that were probably intended to be it.
    pub misplaced: Vec<ConfigMapName>,
}

/// The namespace and the name of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMapName {
    pub namespace: String,
    pub name: String,
}

/// The result of the user's failing command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRun {
    /// The exit status in words; `None` if it did not end in time.
    pub status: Option<String>,
    pub succeeded: bool,
    /// Its stderr, without secrets.
    pub stderr: String,
    /// The line of stderr that names the error.
    pub message: String,
}

/// The response of the API server about one permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionAnswer {
    /// The verb and resource.
    pub question: String,
    pub allowed: bool,
    /// The reason that the API server gives.
    pub reason: Option<String>,
}
