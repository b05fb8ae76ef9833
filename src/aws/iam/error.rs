use thiserror::Error;

use crate::aws::{AwsError, Unasked};

/// Why IAM told nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IamError {
    /// It could not be asked, or refused.
    #[error("{action}: {source}")]
    Aws {
        /// What was asked for, such as `iam:GetRole`.
        action: &'static str,
        /// Why there is no answer.
        source: AwsError,
    },
    /// It was not even asked.
    #[error(transparent)]
    Unasked(Unasked),
}

impl<E: Into<Unasked>> From<E> for IamError {
    fn from(error: E) -> Self {
        Self::Unasked(error.into())
    }
}

impl IamError {
    /// Whether the caller may not ask.
    pub fn is_denial(&self) -> bool {
        matches!(self, Self::Aws { source, .. } if source.is_denial())
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Aws { action, source } if source.is_denial() => {
                let refused = source.refused();
                let whom = refused.and_then(|refused| refused.caller());
                let whom = whom.unwrap_or("whoever you are");
                format!(
                    r#"let an administrator add this to a policy of {whom}: {{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#
                )
            }
            Self::Aws { source, .. } => source.hint(),
            Self::Unasked(error) => error.hint(),
        }
    }
}
