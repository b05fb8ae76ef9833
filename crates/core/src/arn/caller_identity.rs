//! A caller's identity as STS reports it.

use super::{ArnError, Kind, canonical, quote};

/// A caller as the authenticator knows it from the response of `sts:GetCallerIdentity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The ARN that entries are compared with; see [`canonical()`].
    pub canonical_arn: String,
    /// The account as STS reports it. It may differ from the one in the ARN.
    pub account: String,
    /// The unique id of the user or role.
    pub user_id: String,
    /// The name of a role session; empty for users, root users and federated users.
    pub session_name: String,
    /// The access key id that signed the request.
    pub access_key_id: String,
}

/// Why an STS response does not name an identity. The messages are the authenticator's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Its ARN does not name an identity.
    #[error(transparent)]
    Arn(#[from] ArnError),
    /// The user id of a role is not `ID:SESSION`.
    #[error("malformed UserID {}", quote(.0))]
    UserId(String),
}

impl Identity {
    /// Builds an identity from STS's response and the access key that signed the request.
    ///
    /// The session name comes from the user id, not from the ARN.
    ///
    /// # Errors
    /// If the authenticator would reject the response.
    pub fn from_sts(
        arn: &str,
        account: &str,
        user_id: &str,
        access_key_id: &str,
    ) -> Result<Self, IdentityError> {
        let canonical = canonical(arn)?;
        let (user_id, session_name) = match canonical.kind {
            Kind::User | Kind::Root | Kind::FederatedUser => (user_id, ""),
            Kind::Role | Kind::AssumedRole => user_id
                .split_once(':')
                .filter(|(_, session)| !session.contains(':'))
                .ok_or_else(|| IdentityError::UserId(user_id.to_owned()))?,
        };
        Ok(Self {
            canonical_arn: canonical.arn,
            account: account.to_owned(),
            user_id: user_id.to_owned(),
            session_name: session_name.to_owned(),
            access_key_id: access_key_id.to_owned(),
        })
    }
}
