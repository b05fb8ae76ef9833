//! Limits of the API server and the authenticator.

/// The maximum size in bytes of a ConfigMap's values. The API server checks it before it calls webhooks.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#motivation>,
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go>
pub const CONFIG_MAP_BYTES: usize = 1 << 20;

/// The maximum size of a token. The authenticator refuses a longer one without decoding it.
/// Source: <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/token/token.go>
pub const TOKEN_BYTES: usize = 4096;

/// How many minutes after its signing the authenticator accepts a token, regardless of X-Amz-Expires.
/// Source: as above.
pub(crate) const TOKEN_MINUTES: i64 = 15;
