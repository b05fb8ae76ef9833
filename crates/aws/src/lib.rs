//! AWS: credentials, instance metadata, STS, EKS and IAM. Callers get plain data, never SDK clients.

mod cache;
pub mod client;
mod concurrency;
pub mod config_file;
pub mod container;
pub mod credentials;
mod credentials_json;
mod credentials_response;
pub mod eks;
mod environment;
mod error;
mod http;
pub mod iam;
pub mod imds;
mod machine;
mod query;
pub mod region;
mod runtime;
mod session_name;
mod setup_error;
mod shlex;
mod sts;
pub mod sts_verify;
mod time;

pub use self::http::tls::TlsError;
pub use credentials_response::CredentialsResponseError;
pub use environment::AwsEnvironment;
pub use error::{AwsError, Obstacle, Refused};
pub use machine::Machine;
pub use session_name::session_name;
pub use setup_error::SetupError;
