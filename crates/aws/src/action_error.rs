//! Errors of services with the AWS Query protocol.

use thiserror::Error;

use super::{AwsError, SetupError};

/// Why an action returned nothing.
#[derive(Debug, Error)]
pub enum ActionError {
    /// The service could not be reached, or refused the request.
    #[error("{action}: {source}")]
    Aws {
        /// The action, such as `iam:GetRole`.
        action: &'static str,
        /// The refusal, or why there is none.
        source: AwsError,
    },
    /// No request was sent.
    #[error(transparent)]
    Setup(SetupError),
}

impl<E: Into<SetupError>> From<E> for ActionError {
    fn from(error: E) -> Self {
        Self::Setup(error.into())
    }
}

impl ActionError {
    /// Whether the caller lacks the permission.
    pub fn is_denial(&self) -> bool {
        matches!(self, Self::Aws { source, .. } if source.is_denial())
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Aws { action, source } if source.is_denial() => {
                let refused = source.refused();
                let caller = refused.and_then(|refused| refused.caller());
                let caller = caller.unwrap_or("your identity");
                format!(
                    r#"ask an administrator to add this to a policy of {caller}: {{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#
                )
            }
            Self::Aws { source, .. } => source.hint(),
            Self::Setup(error) => error.hint(),
        }
    }
}

/// Returns a conversion of errors of this action.
pub(crate) fn of(action: &'static str) -> impl Fn(AwsError) -> ActionError {
    move |source| ActionError::Aws { action, source }
}
