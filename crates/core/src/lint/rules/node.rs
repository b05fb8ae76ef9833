//! The N rules: nodes, and the cluster as a whole.

pub(super) mod aws_auth_missing;
pub(super) mod cross_account_node_role;
pub(super) mod deletable_by_its_owner;
pub(super) mod entry_expired;
pub(super) mod fargate_entry_incomplete;
pub(super) mod karpenter_role_missing;
pub(super) mod mode_ignores_aws_auth;
pub(super) mod no_reachable_admin;
pub(super) mod node_entry_incomplete;
pub(super) mod node_name_source_mismatch;
pub(super) mod node_role_assumable;
pub(super) mod node_role_unmapped;
pub(super) mod node_username_wrong;
pub(super) mod principal_does_not_exist;
pub(super) mod several_writers;
pub(super) mod shared_role_at_risk;
pub(super) mod sso_role_regenerated;
pub(super) mod windows_group_missing;
