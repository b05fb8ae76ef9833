use jiff::Timestamp;

use crate::arn::{IdentityError, quote};
use crate::facts::limits::TOKEN_MINUTES;
use crate::token::CLUSTER_HEADER;
use crate::token::presign::PREFIX;

/// Why the authenticator refuses a token. The texts are its own, but for [`FormatError::Url`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is not sent to STS at all.
    #[error("input token was not properly formatted: {0}")]
    Format(#[from] FormatError),
    /// The authenticator itself was set up for a partition that it does not know.
    #[error("partition {0} not valid")]
    Partition(String),
    /// STS is asked too often.
    #[error("sts getCallerIdentity was throttled: {0}")]
    Throttled(String),
    /// STS does not say who signed it: a wrong signature, ended credentials, another cluster's name.
    #[error(
        "sts getCallerIdentity failed: error from AWS (expected 200, got {status}) on {region} endpoint. Body: {body}"
    )]
    Refused {
        /// The status of STS's answer.
        status: u16,
        /// The region in the host's name, or `global`.
        region: String,
        /// What STS says.
        body: String,
    },
    /// The answer of STS can't be read.
    #[error("sts getCallerIdentity failed: {0}")]
    Answer(String),
    /// The answer of STS names no identity.
    #[error("sts getCallerIdentity failed: {0}")]
    Identity(#[from] IdentityError),
}

/// What is wrong with a token's form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It is longer than [`TOKEN_BYTES`](crate::facts::limits::TOKEN_BYTES).
    #[error("token is too large")]
    TooLarge,
    /// It does not begin as tokens do.
    #[error("token is missing expected {} prefix", quote(PREFIX))]
    Prefix,
    /// What follows is not base64 of the URL-safe kind without padding; the byte is counted behind the prefix.
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    /// What is in it is not a URL. The authenticator repeats the URL here, which nobody should see.
    #[error("parse \"…\": {0}")]
    Url(String),
    /// The URL is not for HTTPS.
    #[error("unexpected scheme {} in pre-signed URL", quote(.0))]
    Scheme(String),
    /// The URL's host has no region.
    #[error("could not parse region for pre-signed URL {host}, {reason}")]
    NoRegion {
        /// The URL's host.
        host: String,
        /// Why.
        reason: String,
    },
    /// The host without a region is for the commercial partition alone.
    #[error("global endpoint unsupported in partition {0}")]
    Global(String),
    /// What should be a region can't be one.
    #[error("invalid region identifier format provided: {0}")]
    Region(String),
    /// The URL's host is not one of STS.
    #[error("unexpected hostname {} in pre-signed URL", quote(.0))]
    Host(String),
    /// The URL's host is one of another partition.
    #[error("partition {{{partition}}} does not support hostname {host}")]
    OtherPartition {
        /// The authenticator's partition.
        partition: String,
        /// The URL's host.
        host: String,
    },
    /// The URL's path is not `/`.
    #[error("unexpected path in pre-signed URL")]
    Path,
    /// The URL's query can't be read.
    #[error("malformed query parameter")]
    Query,
    /// A parameter is there in two spellings.
    #[error("duplicate query parameter found: {}", quote(.0))]
    Duplicate(String),
    /// A parameter that a presigned GetCallerIdentity does not have.
    #[error("non-whitelisted query parameter {}", quote(.0))]
    Parameter(String),
    /// A parameter is there twice.
    #[error("query parameter with multiple values not supported")]
    Repeated,
    /// It is another action than GetCallerIdentity.
    #[error("unexpected action parameter in pre-signed URL")]
    Action,
    /// The cluster's name is not signed.
    #[error("client did not sign the {CLUSTER_HEADER} header in the pre-signed URL")]
    Unsigned,
    /// X-Amz-Expires is no number from 0 to 900; this is what of it could be read.
    #[error("invalid X-Amz-Expires parameter in pre-signed URL: {0}")]
    Expires(i64),
    /// There is no X-Amz-Date.
    #[error("X-Amz-Date parameter must be present in pre-signed URL")]
    NoDate,
    /// X-Amz-Date can't be read.
    #[error(
        "error parsing X-Amz-Date parameter {date} into format {}: {reason}",
        super::date::FORMAT
    )]
    Date {
        /// What it is.
        date: String,
        /// Why not.
        reason: String,
    },
    /// It was signed too long ago.
    #[error(
        "X-Amz-Date parameter is expired ({TOKEN_MINUTES} minute expiration) {}",
        .0.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC")
    )]
    Expired(Timestamp),
}
