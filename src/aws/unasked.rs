use std::io;

use thiserror::Error;

use super::client::ClientError;
use super::config_file::ConfigError;

/// Why a service of AWS was not even asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Unasked {
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

impl Unasked {
    /// Whether something that the user wrote is at fault, rather than the system.
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Client(_) | Self::Config(_))
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Client(error) => error.hint(),
            Self::Config(_) => "correct that line".to_owned(),
            Self::Network(_) => "see what limits this process: ulimit -a".to_owned(),
        }
    }
}
