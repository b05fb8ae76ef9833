//! Sizes and times that the API server and the authenticator enforce.

/// The most bytes that all values of a ConfigMap's `data` and `binaryData` may have together.
/// Source: <https://kubernetes.io/docs/concepts/configuration/configmap/#motivation>
pub const CONFIG_MAP_BYTES: usize = 1024 * 1024;

/// The most bytes that a token may have before the authenticator refuses it unread.
/// Source: <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/token/token.go>
pub const TOKEN_BYTES: usize = 4096;

/// How long after its signing the authenticator takes a token, in minutes, whatever its X-Amz-Expires says.
/// Source: as above.
pub const TOKEN_MINUTES: i64 = 15;
