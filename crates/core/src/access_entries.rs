//! Changes of access entries: the calls of EKS, and what EKS accepts.

mod operation;

pub use operation::Operation;
