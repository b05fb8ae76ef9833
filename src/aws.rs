//! AWS: where credentials come from, STS, EKS. Hands plain data down, never clients.

pub mod config_file;
pub mod container;
pub mod credentials;
mod http;
pub mod imds;
mod issued;
mod machine;
mod surroundings;
pub mod words;

pub use http::tls::TlsError;
pub use issued::IssuedError;
pub use machine::Machine;
pub use surroundings::Surroundings;
