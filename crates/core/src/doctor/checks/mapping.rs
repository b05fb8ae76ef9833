//! M1 to M9: how the cluster maps the identity.

pub(super) mod access_entry;
pub(super) mod authentication_mode;
pub(super) mod authenticator_log;
pub(super) mod aws_auth;
pub(super) mod ignored_entry;
pub(super) mod lookup;
pub(in crate::doctor) mod near_miss;
pub(super) mod recent_change;
pub(super) mod sign_in;
