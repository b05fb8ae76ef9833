//! The R rules: ARNs.

pub(super) mod account_root;
pub(super) mod arn_in_other_list;
pub(super) mod instance_profile_arn;
pub(super) mod malformed_account_id;
pub(super) mod malformed_arn;
pub(super) mod mixed_partitions;
pub(super) mod not_a_principal;
pub(super) mod role_path;
pub(super) mod sso_block_gated;
pub(super) mod sso_block_invalid;
pub(super) mod sso_partition_set;
pub(super) mod sso_prefix_overmatch;
pub(super) mod sso_suffix_missing;
pub(super) mod sts_arn_for_role;
pub(super) mod unknown_partition;
pub(super) mod user_path_missing;
pub(super) mod wildcard_arn;
