//! The N rules about nodes and their roles.

pub(super) mod cross_account_node_role;
pub(super) mod fargate_entry_incomplete;
pub(super) mod karpenter_role_missing;
pub(super) mod node_entry_incomplete;
pub(super) mod node_group_role_unmapped;
pub(super) mod node_name_source_mismatch;
pub(super) mod node_role_assumable;
pub(super) mod node_username_wrong;
pub(super) mod shared_role_at_risk;
pub(super) mod windows_group_missing;
