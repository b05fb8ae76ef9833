//! EKS tokens: a presigned `sts:GetCallerIdentity` that the API server's authenticator replays.

mod credentials;
mod exec;
mod host;
mod presign;

pub use credentials::Credentials;
pub use exec::{EXEC_INFO, ExecVersion};
pub use host::{Endpoint, HostError, StsHost};
pub use presign::{CLUSTER_HEADER, Token};
