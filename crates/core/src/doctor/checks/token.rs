//! T1 to T5: the token, as the authenticator reads it.

pub(super) mod cluster_name;
pub(super) mod format;
pub(super) mod lifetime;
pub(super) mod size;
pub(super) mod sts_verification;
