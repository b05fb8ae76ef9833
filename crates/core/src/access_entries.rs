//! Changes of access entries: the calls of EKS, and what EKS accepts.

mod difference;
mod operation;

pub use difference::difference;
pub use operation::Operation;
