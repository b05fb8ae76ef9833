//! AWS: where credentials come from, STS, EKS. Hands plain data down, never clients.

pub mod credentials;

mod surroundings;

pub use surroundings::Surroundings;
