//! AWS partitions.

/// The partitions that the authenticator recognises, exact in case.
/// Source: <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/endpoints/partitions.go>
pub const PARTITIONS: [&str; 8] = [
    "aws",
    "aws-cn",
    "aws-us-gov",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
    "aws-eusc",
];
