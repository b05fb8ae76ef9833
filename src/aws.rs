//! AWS: where credentials come from, STS, EKS. Hands plain data down, never clients.

mod surroundings;

pub use surroundings::Surroundings;
