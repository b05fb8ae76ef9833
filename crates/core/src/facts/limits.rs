//! Limits of the API server and the authenticator.

/// The maximum size of a token. The authenticator refuses a longer one without decoding it.
/// Source: <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/token/token.go>
pub const TOKEN_BYTES: usize = 4096;

/// How many minutes after its signing the authenticator accepts a token, regardless of X-Amz-Expires.
/// Source: as above.
pub(crate) const TOKEN_MINUTES: i64 = 15;
