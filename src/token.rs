//! EKS tokens: a presigned `sts:GetCallerIdentity` that the API server's authenticator replays.

mod credentials;

pub use credentials::Credentials;
