//! Resolves AWS credentials from the sources that botocore knows, in its order.

mod caller;
mod chain;
mod context;
mod error;
mod keys;
mod legacy;
mod login;
mod options;
mod process;
mod resolve;
mod session;
mod source;
mod sso;
mod token_file;
mod web_identity;

pub use caller::{CallerError, caller};
pub use error::{IamEvidence, SourceError, SsoError};
pub use options::CredentialOptions;
pub use resolve::{NoCredentials, ResolvedCredentials, resolve};
pub use source::{Attempt, Source, SourceChoice};
pub use token_file::Claims;

pub use super::sts::Caller;
