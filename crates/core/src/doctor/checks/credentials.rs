//! C1 to C15: the source and the identity of the AWS credentials.

pub(super) mod assume_role_permission;
pub(super) mod caller_identity;
pub(super) mod clock_skew;
pub(super) mod container;
pub(super) mod expected_identity;
pub(super) mod expiration;
pub(super) mod hop_limit;
pub(super) mod instance_metadata;
pub(super) mod instance_profile;
pub(super) mod instance_profile_role;
pub(super) mod profile;
pub(super) mod provider_chain;
pub(super) mod region_and_partition;
pub(super) mod role_trust_policy;
pub(super) mod web_identity;
