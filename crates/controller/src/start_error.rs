//! Errors that keep the controller from starting.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;

use awsauth_core::reconcile::ConfigError;
use thiserror::Error;

/// Why the controller cannot start. All of these are usage errors.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is in use, or does not belong to this machine.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was requested.
        address: SocketAddr,
        /// The flag that sets the address.
        flag: &'static str,
        source: io::Error,
    },
    /// The configuration file cannot be read.
    #[error("cannot use the configuration {}", path.display())]
    ReadConfig { path: PathBuf, source: io::Error },
    /// The configuration file is not a valid configuration.
    #[error("cannot use the configuration {}", path.display())]
    ParseConfig { path: PathBuf, source: ConfigError },
}

impl StartError {
    /// Returns what to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { flag, .. } => {
                Some(format!("choose another address with {flag} ADDRESS:PORT"))
            }
            Self::ReadConfig { source, .. } => (source.kind() == ErrorKind::NotFound).then(|| {
                "create it as described in docs/controller.md, or omit --config to grant nothing"
                    .to_owned()
            }),
            Self::ParseConfig { .. } => Some("see docs/controller.md for the format".to_owned()),
        }
    }
}
