//! The IAM roles of a cluster's nodes: where each is mapped, and what is wrong.

mod fix;
mod report;
mod state;
mod unknown;

pub use fix::Fix;
pub use report::{NodeReport, NodeReportInput, RoleReport, report};
pub use state::{RequiredIn, State};
pub use unknown::{UnknownRole, UnusedEntry};
