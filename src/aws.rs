//! AWS: where credentials come from, STS, EKS, IAM. Hands plain data down, never clients.

mod at_once;
mod cache;
pub mod client;
pub mod config_file;
pub mod container;
pub mod credentials;
mod document;
pub mod eks;
mod error;
mod http;
pub mod iam;
pub mod imds;
mod issued;
mod machine;
mod network;
pub mod region;
pub mod replay;
mod session_name;
mod sts;
mod surroundings;
mod time;
mod unasked;
pub mod words;

pub use error::{AwsError, Obstacle, Refused};
pub use http::tls::TlsError;
pub use issued::IssuedError;
pub use machine::Machine;
pub use session_name::session_name;
pub use surroundings::Surroundings;
pub use unasked::Unasked;
