//! Changes of access entries: the calls of EKS, what EKS accepts, and the move from aws-auth.

mod difference;
pub mod migrate;
mod operation;
pub mod rules;

pub use difference::difference;
pub use operation::Operation;
