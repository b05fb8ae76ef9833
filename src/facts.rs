//! What AWS, Kubernetes and the authenticator fix, as constants with their source. Uses nothing.

pub mod access_entries;
pub mod accounts;
pub mod auth_mode;
pub mod fleet;
pub mod groups;
pub mod keepers;
pub mod limits;
pub mod node_kinds;
pub mod partitions;
pub mod principals;
