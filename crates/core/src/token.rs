//! EKS tokens: a presigned `sts:GetCallerIdentity` that the cluster's authenticator sends to STS.

mod check;
mod credentials;
mod exec_credential;
mod presign;
mod sts_host;

pub use check::{Authenticator, FormatError, PresignedRequest, TokenError};
pub use credentials::Credentials;
pub use exec_credential::{EXEC_INFO, ExecVersion};
pub use presign::{CLUSTER_HEADER, Token};
pub use sts_host::{Endpoint, HostError, StsHost};
