//! EKS: clusters, access entries, node groups and Fargate profiles.

mod access_entries;
mod client;
mod cluster;
mod error;
mod nodes;
mod snapshot;

pub use access_entries::AccessEntryList;
pub use client::{ClusterDescription, Eks};
pub use cluster::{CredentialOrder, DescribeError, EksCluster, Progress, describe};
pub use error::{EksError, Unavailable};
pub use nodes::Nodes;
pub use snapshot::{EksSnapshot, read_snapshot};
