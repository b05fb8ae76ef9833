//! Evidence about the token, and the identity that STS reports for it.

use jiff::{SignedDuration, Timestamp};

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
