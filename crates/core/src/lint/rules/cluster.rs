//! The N rules about the cluster as a whole.

pub(super) mod aws_auth_missing;
pub(super) mod deletable_by_its_owner;
pub(super) mod entry_expired;
pub(super) mod mode_ignores_aws_auth;
pub(super) mod no_reachable_admin;
pub(super) mod principal_does_not_exist;
pub(super) mod several_writers;
pub(super) mod sso_role_regenerated;
