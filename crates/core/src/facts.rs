//! Constants and data types of AWS, Kubernetes and the authenticator, with their sources.

pub mod access_entries;
pub mod accounts;
pub mod authentication_mode;
pub mod groups;
pub mod iam_inventory;
pub mod limits;
pub mod management_markers;
pub mod node_inventory;
pub mod node_kinds;
pub mod partitions;
