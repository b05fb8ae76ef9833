use jiff::{SignedDuration, Timestamp};

use super::Trouble;
use crate::snapshot::Snapshot;
use crate::token::TokenError;

/// Who made the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The kubeconfig's plugin.
    Plugin,
    /// Nobody today: it stands in the kubeconfig.
    Kubeconfig,
    /// This program, with the credentials that it found.
    Awsauth,
}

/// A token, as the authenticator reads it before it asks anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Who made it.
    pub signer: Signer,
    /// How long it is.
    pub bytes: usize,
    /// Which cluster's name it is sent with.
    pub cluster: String,
    /// The host that it is for, and when it was signed.
    pub read: Result<(String, Timestamp), TokenError>,
    /// When the credentials end, if they are ours to know.
    pub keys_end: Option<Timestamp>,
}

/// Whom STS sees behind a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// As STS reports it.
    pub arn: String,
    /// The session's name; empty for users.
    pub session_name: String,
    /// How far this machine's clock is ahead.
    pub clock_ahead: Option<SignedDuration>,
}

/// An attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Where to.
    pub address: String,
    /// Whether it is a proxy's.
    pub is_proxy: bool,
    /// Why it did not open.
    pub failed: Option<Unreached>,
}

/// Why a connection did not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// Nobody answered.
    TimedOut,
    /// Nothing listens there, or somebody says so.
    Refused,
    /// Something else, in the system's words.
    Other(String),
}

/// What the API server makes of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedIn {
    /// It knows whose it is.
    In {
        /// The user.
        username: String,
        /// The groups.
        groups: Vec<String>,
    },
    /// It does not accept it.
    Unauthorized,
    /// It accepts it, and does not say whose it is.
    Forbidden(String),
    /// It gave no such answer.
    Failed(Trouble),
}

/// aws-auth as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsAuth {
    /// Where it was read, and as whom.
    pub place: String,
    /// Whether there is one.
    pub exists: bool,
    /// What it holds.
    pub snapshot: Snapshot,
    /// When it last changed, as far as that is on record.
    pub changed: Option<Timestamp>,
}

/// The answer to a question of what the holder may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The question.
    pub question: String,
    /// The answer.
    pub allowed: bool,
    /// Why.
    pub reason: Option<String>,
}
