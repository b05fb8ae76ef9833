//! Asks STS which identity resolved credentials belong to.

use jiff::Timestamp;
use thiserror::Error;

use super::context::Context;
use super::error::SourceError;
use super::options::CredentialOptions;
use super::resolve::ResolvedCredentials;
use crate::sts::{self, Caller};
use crate::{AwsEnvironment, AwsError};

/// Why STS did not return the identity of the credentials.
#[derive(Debug, Error)]
pub enum CallerError {
    /// No request could be sent to STS.
    #[error(transparent)]
    NotSent(Box<SourceError>),
    /// STS could not be reached, or rejected the credentials.
    #[error(transparent)]
    Sts(#[from] AwsError),
}

impl From<SourceError> for CallerError {
    fn from(error: SourceError) -> Self {
        Self::NotSent(Box::new(error))
    }
}

impl CallerError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotSent(error) => error.hint(),
            Self::Sts(error) => error.hint(),
        }
    }

    /// Whether STS rejected the credentials.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Sts(AwsError::Refused(_)))
    }
}

/// Asks STS for the identity that the credentials belong to. They must have been [resolved](super::resolve()) with the
/// same options and environment. Blocks; must not be called from within an async runtime.
///
/// # Errors
/// If STS cannot be reached, or rejects the credentials.
pub fn caller(
    resolved: &ResolvedCredentials,
    options: &CredentialOptions,
    environment: &AwsEnvironment,
    now: Timestamp,
) -> Result<Caller, CallerError> {
    let context = Context::new(options, environment, now);
    let region = &resolved.region.name;
    let settings = context.settings()?;
    let config = settings.config("STS", region, Some(&resolved.credentials));
    let config = config.map_err(SourceError::from)?;
    let asked = context.wait(sts::caller_identity(&config));
    Ok(asked.map_err(SourceError::from)??)
}
