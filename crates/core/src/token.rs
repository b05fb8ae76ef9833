//! EKS tokens: a presigned `sts:GetCallerIdentity` that the cluster's authenticator sends to STS.

mod check;
mod credentials;
mod exec;
mod host;
mod presign;

pub use check::{Authenticator, FormatError, PresignedRequest, TokenError};
pub use credentials::Credentials;
pub use exec::{EXEC_INFO, ExecVersion};
pub use host::{Endpoint, HostError, StsHost};
pub use presign::{CLUSTER_HEADER, Token};
