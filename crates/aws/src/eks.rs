//! EKS: clusters, access entries, node groups and Fargate profiles.

mod access_entries;
mod cached_facts;
mod client;
mod conditional_entry_changes;
mod describe_cluster;
mod error;
mod execute_operations;
mod nodes;
mod operation_error;
mod read_pages;

pub use access_entries::AccessEntryList;
pub use cached_facts::{EksSnapshot, read_snapshot};
pub use client::{ClusterDescription, Eks};
pub use conditional_entry_changes::{EntryChangeError, change_entries};
pub use describe_cluster::{CredentialOrder, DescribeError, EksCluster, Progress, describe};
pub use error::{EksError, Unavailable};
pub use execute_operations::{EntryWithoutRights, OperationProgress, Outcome, StopCause, Stopped};
pub use nodes::Nodes;
pub use operation_error::{Cause, OperationError, UpdateFailure};
