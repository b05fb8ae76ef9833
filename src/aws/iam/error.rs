use std::io;

use thiserror::Error;

use crate::aws::AwsError;
use crate::aws::client::ClientError;
use crate::aws::config_file::ConfigError;

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
    /// No client can be had.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The files that say how AWS is reached can't be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system refuses what a connection needs.
    #[error("the network can't be used")]
    Network(#[from] io::Error),
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
            Self::Client(error) => error.hint(),
            Self::Config(_) => "correct that line".to_owned(),
            Self::Network(_) => "see what limits this process: ulimit -a".to_owned(),
        }
    }
}
