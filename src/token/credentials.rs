use jiff::Timestamp;
use secrecy::SecretString;

/// What a request to AWS is signed with. The secrets are wiped from memory when it is dropped, and never shown by `Debug`.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The access key id, which is no secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretString,
    /// The session token that temporary credentials come with.
    pub session_token: Option<SecretString>,
    /// When they end; `None` for those that last, or do not say.
    pub expiration: Option<Timestamp>,
    /// The account they belong to, where their source says so.
    pub account_id: Option<String>,
}
