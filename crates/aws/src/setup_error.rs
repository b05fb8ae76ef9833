//! Errors from creating a client.

use std::io;

use thiserror::Error;

use super::client_config::ClientError;
use super::config_file::ConfigError;

/// Why no request could be sent to an AWS service.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The client cannot be configured.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The config files cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system cannot start a runtime.
    #[error("cannot start network access")]
    Network(#[from] io::Error),
}

impl SetupError {
    /// Whether the user's input is at fault, as opposed to the system.
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Client(_) | Self::Config(_))
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Client(error) => error.hint(),
            Self::Config(_) => "correct that line".to_owned(),
            Self::Network(_) => "check the limits of this process: ulimit -a".to_owned(),
        }
    }
}
