//! Resolves AWS credentials from the sources that botocore knows, in its order.

mod caller_identity;
mod console_login;
mod context;
mod credential_process;
mod error;
mod legacy_files;
mod options;
mod provider_chain;
mod resolve;
mod role_session;
mod source;
mod sso;
mod static_keys;
mod web_identity;
mod web_identity_token;

pub use caller_identity::{CallerError, caller};
pub use error::{IamEvidence, SourceError, SsoError};
pub use options::CredentialOptions;
pub use resolve::{NoCredentials, ResolvedCredentials, resolve};
pub use source::{Attempt, Source, SourceChoice};
pub use web_identity_token::Claims;

pub use super::sts::Caller;
