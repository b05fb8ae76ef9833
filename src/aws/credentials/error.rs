use thiserror::Error;

/// Why a source that should have credentials can't be used. No message holds a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// One half of a key pair is there and the other is not.
    #[error("{there} is set, but {missing} is not")]
    Partial {
        /// What is there.
        there: String,
        /// What is missing.
        missing: String,
    },
    /// A time that can't be read.
    #[error("{what} is {value:?}, which is not a time such as 2026-01-31T12:00:00Z")]
    Time {
        /// Where it was read.
        what: String,
        /// What it says.
        value: String,
    },
}

impl SourceError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Partial { there, missing } => format!("set {missing} too, or unset {there}"),
            Self::Time { what, .. } => format!("unset {what}, or correct it"),
        }
    }

    /// Whether something that the user wrote is at fault, rather than AWS or the network.
    pub fn is_input(&self) -> bool {
        match self {
            Self::Partial { .. } | Self::Time { .. } => true,
        }
    }
}
