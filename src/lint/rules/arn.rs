//! R: ARNs.

pub(super) mod role_path;
