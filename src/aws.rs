//! AWS: where credentials come from, STS, EKS. Hands plain data down, never clients.

pub mod config_file;
pub mod credentials;

mod surroundings;
pub mod words;

pub use surroundings::Surroundings;
