//! EKS: clusters, access entries, node groups and Fargate profiles.

mod actions;
mod cached_facts;
mod change_error;
mod client;
mod conditional_entry_changes;
mod describe_cluster;
mod execute_operations;
mod list_access_entries;
mod nodes;
mod read_error;
mod read_pages;

pub use cached_facts::{EksSnapshot, read_snapshot};
pub use change_error::{Cause, OperationError, UpdateFailure};
pub use client::{ClusterDescription, Eks};
pub use conditional_entry_changes::{EntryChangeError, change_entries};
pub use describe_cluster::{CredentialOrder, DescribeError, EksCluster, Progress, describe};
pub use execute_operations::{
    EntryWithoutRights, OperationProgress, Outcome, StopCause, Stopped, VISIBILITY_LIMIT,
};
pub use list_access_entries::AccessEntryList;
pub use nodes::Nodes;
pub use read_error::{EksError, Unavailable};
