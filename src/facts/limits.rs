//! Sizes that the API server enforces.

/// The most bytes that all values of a ConfigMap's `data` and `binaryData` may have together.
/// Source: <https://kubernetes.io/docs/concepts/configuration/configmap/#motivation>
pub const CONFIG_MAP_BYTES: usize = 1024 * 1024;
