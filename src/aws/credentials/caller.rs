use jiff::Timestamp;
use thiserror::Error;

use super::search::Search;
use super::{Resolved, SourceError, Wish};
use crate::aws::{AwsError, Surroundings, sts};

/// Who credentials are, as STS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Such as `arn:aws:sts::111122223333:assumed-role/NAME/SESSION`.
    pub arn: String,
    /// The account.
    pub account: String,
    /// `AIDA…`, or for a session `AROA…:SESSION`.
    pub user_id: String,
}

/// Why it is not known who they are.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallerError {
    /// Something on this machine keeps STS from being asked.
    #[error(transparent)]
    Machine(Box<SourceError>),
    /// STS can't be reached, or does not accept the credentials.
    #[error(transparent)]
    Sts(#[from] AwsError),
}

impl From<SourceError> for CallerError {
    fn from(error: SourceError) -> Self {
        Self::Machine(Box::new(error))
    }
}

impl CallerError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Machine(error) => error.hint(),
            Self::Sts(error) => error.hint(),
        }
    }

    /// Whether STS has answered, and does not accept the credentials.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Sts(AwsError::Refused(_)))
    }
}

/// Asks STS who credentials are that were [resolved](super::resolve) from the same wish and surroundings. Blocks, as that does.
///
/// # Errors
/// When STS can't be asked, or does not accept them.
pub fn caller(
    resolved: &Resolved,
    wish: &Wish,
    surroundings: &Surroundings,
    now: Timestamp,
) -> Result<Caller, CallerError> {
    let search = Search::new(wish, surroundings, now);
    let region = &resolved.region.name;
    let reach = search.reach()?;
    let config = reach.config("STS", region, Some(&resolved.credentials));
    let config = config.map_err(SourceError::from)?;
    let asked = search.wait(sts::caller_identity(&config));
    Ok(asked.map_err(SourceError::from)??)
}
