//! AWS credentials.

use jiff::Timestamp;
use secrecy::SecretString;

/// AWS credentials. The secrets are wiped from memory when they are dropped, and `Debug` does not show them.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Not secret.
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    /// Set for temporary credentials.
    pub session_token: Option<SecretString>,
    /// `None` if they do not expire, or the expiration is unknown.
    pub expiration: Option<Timestamp>,
    /// The account, if the source of the credentials reports it.
    pub account_id: Option<String>,
}
