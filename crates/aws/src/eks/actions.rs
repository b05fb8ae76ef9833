//! The IAM actions that read access entries, node groups and Fargate profiles.

/// The actions that read access entries.
pub(super) const LIST_ACCESS_ENTRIES: &str = "eks:ListAccessEntries";
pub(super) const DESCRIBE_ACCESS_ENTRY: &str = "eks:DescribeAccessEntry";
pub(super) const LIST_ACCESS_POLICIES: &str = "eks:ListAssociatedAccessPolicies";

/// The action that lists all access policies of EKS. It has no resource:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html>
pub(super) const LIST_POLICIES: &str = "eks:ListAccessPolicies";

/// The actions that read node groups and Fargate profiles.
pub(super) const LIST_NODE_GROUPS: &str = "eks:ListNodegroups";
pub(super) const DESCRIBE_NODE_GROUP: &str = "eks:DescribeNodegroup";
pub(super) const LIST_FARGATE_PROFILES: &str = "eks:ListFargateProfiles";
pub(super) const DESCRIBE_FARGATE_PROFILE: &str = "eks:DescribeFargateProfile";
