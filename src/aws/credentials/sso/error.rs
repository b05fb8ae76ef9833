use jiff::Timestamp;
use thiserror::Error;

use crate::aws::AwsError;

/// Why IAM Identity Center gives no credentials.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SsoError {
    /// The profile leaves something out.
    #[error("profile {profile} is for IAM Identity Center, but has no {missing}")]
    Missing {
        /// The profile.
        profile: String,
        /// The options, with commas between.
        missing: String,
    },
    /// The profile's `sso_session` is not there.
    #[error(
        "profile {profile} names the sso-session {session}, which the config file does not have"
    )]
    NoSession {
        /// The profile.
        profile: String,
        /// The session's name.
        session: String,
    },
    /// Profile and session disagree.
    #[error("profile {profile} and its sso-session have different values for {option}")]
    Differs {
        /// The profile.
        profile: String,
        /// The option.
        option: String,
    },
    /// Nobody has signed in.
    #[error("nobody has signed in for profile {profile}: {why}")]
    NotSignedIn {
        /// The profile.
        profile: String,
        /// What is wrong with the token's file.
        why: String,
    },
    /// Whoever signed in has to do so again.
    #[error("the sign-in for profile {profile} expired at {when}")]
    SignedOut {
        /// The profile.
        profile: String,
        /// When.
        when: Timestamp,
    },
    /// It gave no credentials.
    #[error("IAM Identity Center gave no credentials of {role} in account {account}")]
    Refused {
        /// The profile.
        profile: String,
        /// The permission set's name.
        role: String,
        /// The account.
        account: String,
        /// Why.
        source: AwsError,
    },
}

impl SsoError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { profile, missing } => {
                format!(
                    "add {missing} to the profile, or write it anew: aws configure sso --profile {profile}"
                )
            }
            Self::NoSession { profile, session } => format!(
                "add the section [sso-session {session}], or write it anew: aws configure sso --profile {profile}"
            ),
            Self::Differs { option, .. } => {
                format!("remove {option} from the profile: the sso-session says it")
            }
            Self::NotSignedIn { profile, .. } | Self::SignedOut { profile, .. } => {
                format!("aws sso login --profile {profile}")
            }
            Self::Refused {
                profile,
                role,
                account,
                source,
            } => match source.code() {
                Some("UnauthorizedException") => format!("aws sso login --profile {profile}"),
                Some("ForbiddenException" | "ResourceNotFoundException") => format!(
                    "have {role} in account {account} assigned to you in IAM Identity Center, or correct sso_role_name and sso_account_id of profile {profile}"
                ),
                _ => source.hint(),
            },
        }
    }

    /// Whether something that the user wrote is at fault.
    pub(in crate::aws::credentials) fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. } | Self::NoSession { .. } | Self::Differs { .. }
        )
    }
}
