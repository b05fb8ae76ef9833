//! AWS: credentials, instance metadata, STS, EKS, IAM, EC2 and Auto Scaling. Callers get plain data, never SDK clients.

mod action_error;
pub mod client_config;
mod concurrency;
pub mod config_file;
pub mod container_credentials;
mod credential_process_json;
pub mod credentials;
pub mod ec2;
pub mod eks;
mod environment;
pub mod iam;
pub mod imds;
mod machine;
mod metadata_credentials;
mod metadata_http;
mod query_protocol;
pub mod region;
mod request_error;
mod response_limit;
mod runtime;
mod session_cache;
mod session_name;
mod setup_error;
mod shlex;
mod sts;
pub mod sts_verify;
mod timestamp;
mod tls;

pub use self::tls::TlsError;
pub use action_error::ActionError;
pub use environment::AwsEnvironment;
pub use machine::Machine;
pub use metadata_credentials::CredentialsResponseError;
pub use request_error::{AwsError, Obstacle, Refused};
pub use session_name::session_name;
pub use setup_error::SetupError;
