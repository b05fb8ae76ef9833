use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;

use awsauth_core::reconcile::ConfigError;
use thiserror::Error;

/// Why the controller cannot start. All of these are usage errors.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address is not of this machine, or is in use.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The configuration file cannot be read.
    #[error("cannot use the configuration {}", path.display())]
    ReadConfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration file is not a valid configuration.
    #[error("cannot use the configuration {}", path.display())]
    ParseConfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ConfigError,
    },
}

impl StartError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { flag, .. } => {
                Some(format!("choose another address with {flag} ADDRESS:PORT"))
            }
            Self::ReadConfig { source, .. } => (source.kind() == ErrorKind::NotFound).then(|| {
                "write it as docs/controller.md shows, or leave --config out: then nothing is granted"
                    .to_owned()
            }),
            Self::ParseConfig { .. } => {
                Some("see what it may say: docs/controller.md".to_owned())
            }
        }
    }
}
