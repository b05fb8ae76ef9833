//! The IAM roles of a cluster's nodes: where each is mapped, and what is wrong.

mod fix;
mod judge;
mod report;
mod role_report;
mod state;
mod unknown_roles;
mod unused_entries;

pub use report::{NodeReport, report};
pub use role_report::{Fix, NodeReportInput, RoleReport};
pub use state::{RequiredIn, State};
pub use unknown_roles::UnknownRole;
pub use unused_entries::UnusedEntry;
