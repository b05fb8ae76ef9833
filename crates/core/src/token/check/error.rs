//! The errors with which the authenticator refuses tokens.

use jiff::Timestamp;

use crate::arn::{IdentityError, quote};
use crate::facts::limits::TOKEN_MINUTES;
use crate::token::CLUSTER_HEADER;
use crate::token::presign::PREFIX;

/// Why the authenticator refuses a token. The messages are the authenticator's own, except for [`FormatError::Url`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Refused without a request to STS.
    #[error("input token was not properly formatted: {0}")]
    Format(#[from] FormatError),
    /// The authenticator is configured for an unknown partition.
    #[error("partition {0} not valid")]
    Partition(String),
    /// STS throttled the request.
    #[error("sts getCallerIdentity was throttled: {0}")]
    Throttled(String),
    /// STS rejected the request: invalid signature, expired credentials, or another cluster's name.
    #[error(
        "sts getCallerIdentity failed: error from AWS (expected 200, got {status}) on {region} endpoint. Body: {body}"
    )]
    Refused {
        status: u16,
        /// The region in the host name, or `global`.
        region: String,
        body: String,
    },
    /// The STS response cannot be parsed.
    #[error("sts getCallerIdentity failed: {0}")]
    Answer(String),
    /// The STS response has no identity.
    #[error("sts getCallerIdentity failed: {0}")]
    Identity(#[from] IdentityError),
}

/// What is wrong with the format of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Longer than [`TOKEN_BYTES`](crate::facts::limits::TOKEN_BYTES).
    #[error("token is too large")]
    TooLarge,
    /// The prefix is missing.
    #[error("token is missing expected {} prefix", quote(PREFIX))]
    Prefix,
    /// Not URL-safe base64 without padding; the position is counted after the prefix.
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    /// Not a URL. The authenticator's message contains the URL; this one does not, because it is secret.
    #[error("parse \"…\": {0}")]
    Url(String),
    #[error("unexpected scheme {} in pre-signed URL", quote(.0))]
    Scheme(String),
    /// The host has no region.
    #[error("could not parse region for pre-signed URL {host}, {reason}")]
    NoRegion { host: String, reason: String },
    /// Only the commercial partition has the global host.
    #[error("global endpoint unsupported in partition {0}")]
    Global(String),
    #[error("invalid region identifier format provided: {0}")]
    Region(String),
    /// Not a host of STS.
    #[error("unexpected hostname {} in pre-signed URL", quote(.0))]
    Host(String),
    /// A host of another partition.
    #[error("partition {{{partition}}} does not support hostname {host}")]
    OtherPartition {
        /// The authenticator's partition.
        partition: String,
        host: String,
    },
    /// The path is not `/`.
    #[error("unexpected path in pre-signed URL")]
    Path,
    /// The query cannot be parsed.
    #[error("malformed query parameter")]
    Query,
    /// A parameter occurs in two spellings.
    #[error("duplicate query parameter found: {}", quote(.0))]
    Duplicate(String),
    /// Not a parameter of a presigned GetCallerIdentity.
    #[error("non-whitelisted query parameter {}", quote(.0))]
    Parameter(String),
    /// A parameter occurs twice.
    #[error("query parameter with multiple values not supported")]
    Repeated,
    /// Not GetCallerIdentity.
    #[error("unexpected action parameter in pre-signed URL")]
    Action,
    /// The cluster's name is not signed.
    #[error("client did not sign the {CLUSTER_HEADER} header in the pre-signed URL")]
    Unsigned,
    /// X-Amz-Expires is not a number from 0 to 900. The value is what Go parses.
    #[error("invalid X-Amz-Expires parameter in pre-signed URL: {0}")]
    Expires(i64),
    /// X-Amz-Date is missing.
    #[error("X-Amz-Date parameter must be present in pre-signed URL")]
    NoDate,
    /// X-Amz-Date cannot be parsed.
    #[error(
        "error parsing X-Amz-Date parameter {date} into format {}: {reason}",
        super::date::FORMAT
    )]
    Date { date: String, reason: String },
    /// Signed too long ago.
    #[error(
        "X-Amz-Date parameter is expired ({TOKEN_MINUTES} minute expiration) {}",
        .0.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC")
    )]
    Expired(Timestamp),
}
