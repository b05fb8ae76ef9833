//! Why an entry does not match an identity.

use std::fmt;

/// The largest number of letters that a typo changes.
pub(super) const MAX_LETTERS: usize = 2;

/// Why an entry does not match an identity. Its text is a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Spaces, quotes or invisible characters around the ARN.
    Stray,
    /// A role's ARN with its IAM path.
    RolePath,
    /// A user's ARN with another IAM path, or without one.
    UserPath,
    /// The ARN of a session instead of its role.
    Session,
    /// A role's ARN with a session name behind it.
    SessionName(String),
    /// The ARN of an instance profile of that name.
    InstanceProfile,
    /// The letter `İ`, which never matches.
    DottedI,
    /// The authenticator drops the entry, for this reason.
    Ignored(String),
    /// The authenticator ignores the whole section, for this reason.
    Unreadable(String),
    /// The ARN is in a comment or in a later YAML document.
    NotRead,
    /// One part of the ARN differs.
    Part {
        /// `partition`, `service`, `region` or `account`.
        part: &'static str,
        /// The part in the entry.
        written: String,
        /// The part in the identity's ARN.
        expected: String,
    },
    /// A user with the role's name, or a role with the user's name.
    OtherKind {
        /// What the entry names: `role` or `user`.
        written: String,
    },
    /// Another role of the same permission set of IAM Identity Center, or a name without its suffix.
    SsoSuffix,
    /// An `sso` entry that needs the feature gate.
    SsoGate,
    /// An `sso` entry with a partition.
    SsoPartition,
    /// A wildcard where the identity would match.
    Wildcard,
    /// The account's root user.
    Root,
    /// The account in another spelling.
    AccountText,
    /// This many letters differ.
    Letters(usize),
}

impl Mismatch {
    /// Returns a sort key: entries that are most likely intended for the identity come first.
    pub(super) fn distance(&self) -> usize {
        match self {
            Self::Stray
            | Self::RolePath
            | Self::Session
            | Self::SessionName(_)
            | Self::DottedI
            | Self::Ignored(_)
            | Self::Unreadable(_)
            | Self::AccountText => 0,
            Self::UserPath
            | Self::InstanceProfile
            | Self::SsoSuffix
            | Self::SsoGate
            | Self::SsoPartition => 1,
            Self::Part { .. } | Self::OtherKind { .. } | Self::Wildcard => 2,
            Self::NotRead => 3,
            Self::Letters(count) => 3 + count,
            Self::Root => 4 + MAX_LETTERS,
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stray => f.write_str("spaces, quotes or invisible characters around the ARN are part of it"),
            Self::RolePath => f.write_str("STS reports a role without its IAM path"),
            Self::UserPath => f.write_str("the IAM path differs; STS includes the path in a user's ARN, so it must match"),
            Self::Session => f.write_str("a session is compared as its role, so a session's ARN never matches"),
            Self::SessionName(name) => write!(f, "the entry has the session name {name:?} behind the role's name, and a session is compared as its role"),
            Self::InstanceProfile => f.write_str("an instance profile is not a role"),
            Self::DottedI => f.write_str("the letter İ never matches, not even itself"),
            Self::Ignored(reason) => write!(f, "the authenticator drops this entry: {reason}"),
            Self::Unreadable(reason) => write!(f, "the authenticator ignores this whole section: {reason}"),
            Self::NotRead => f.write_str("the authenticator does not read this line: it is a comment, or part of a later YAML document"),
            Self::Part { part, written, expected } => {
                write!(f, "the {part} is {written:?} instead of {expected:?}")
            }
            Self::OtherKind { written } => write!(f, "the entry names a {written} of the same name"),
            Self::SsoSuffix => f.write_str("the same permission set with another suffix or without one"),
            Self::SsoGate => f.write_str("an sso entry matches only with the authenticator's feature gate SSORoleMatch, which is off by default"),
            Self::SsoPartition => f.write_str("an sso entry with a partition never matches"),
            Self::Wildcard => f.write_str("a wildcard is compared literally"),
            Self::Root => f.write_str("an account's root ARN matches only its root user"),
            Self::AccountText => f.write_str("an account is compared as text, so it must be the 12 digits without dashes or spaces"),
            Self::Letters(1) => f.write_str("the name differs by one letter (changed, added, missing or swapped)"),
            Self::Letters(count) => write!(f, "{count} letters differ"),
        }
    }
}
