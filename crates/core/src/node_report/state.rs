//! Whether the nodes of a role can join.

use std::fmt;

use crate::authenticator::{NodeRole, Place};
use crate::facts::access_entries::{AUTO_NODE, STANDARD};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::facts::node_kinds::NodeKind;

/// Where a role must be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredIn {
    AwsAuth,
    AccessEntry,
    AwsAuthOrAccessEntry,
    /// An access entry, which the cluster does not read.
    AnotherMode,
    /// The authentication mode is unknown.
    Unknown,
}

impl RequiredIn {
    pub(super) fn of(role: &NodeRole<'_>, mode: Option<AuthenticationMode>) -> Self {
        match mode {
            None => Self::Unknown,
            Some(AuthenticationMode::ConfigMap) if role.has(NodeKind::AutoMode) => {
                Self::AnotherMode
            }
            Some(AuthenticationMode::ConfigMap) => Self::AwsAuth,
            Some(AuthenticationMode::Api) => Self::AccessEntry,
            Some(AuthenticationMode::ApiAndConfigMap) => match role.has(NodeKind::AutoMode) {
                true => Self::AccessEntry,
                false => Self::AwsAuthOrAccessEntry,
            },
        }
    }
}

impl fmt::Display for RequiredIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AwsAuth => "aws-auth",
            Self::AccessEntry => "access entry",
            Self::AwsAuthOrAccessEntry => "aws-auth or access entry",
            Self::AnotherMode => "access entry, in another mode",
            Self::Unknown => "unknown",
        })
    }
}

/// Whether the nodes of a role can join, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Mapped,
    /// No entry maps the role.
    Missing {
        /// An entry of aws-auth that names the role but does not map it, and why.
        without_effect: Option<(Place, String)>,
    },
    /// The entry of aws-auth gives its nodes another username, or not all groups.
    WrongTerms {
        differences: Vec<String>,
    },
    /// The access entry has another type.
    WrongType {
        found: String,
        needed: &'static str,
    },
    /// Nodes of several kinds use the role, and an access entry has one type.
    SeveralTypes {
        needed: Vec<&'static str>,
    },
    /// The access entry lacks the access policy of Auto Mode's nodes.
    MissingPolicy,
    /// The access entry belongs to a deleted role of the same name.
    DeadEntry,
    /// IAM has no such role.
    NoSuchRole,
    /// It cannot be decided.
    Unknown {
        why: &'static str,
    },
}

impl State {
    /// Returns whether nodes cannot join.
    pub fn is_problem(&self) -> bool {
        !matches!(self, Self::Mapped | Self::Unknown { .. })
    }

    /// Returns the state in a few words.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Mapped => "mapped",
            Self::Missing { .. } => "missing",
            Self::WrongTerms { .. } => "wrong username or groups",
            Self::WrongType { .. } => "wrong type",
            Self::SeveralTypes { .. } => "several types",
            Self::MissingPolicy => "missing policy",
            Self::DeadEntry => "dead entry",
            Self::NoSuchRole => "no such role",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mapped => f.write_str("its nodes can join"),
            Self::Missing {
                without_effect: None,
            } => f.write_str("nothing maps the role: its nodes are rejected"),
            Self::Missing {
                without_effect: Some((place, why)),
            } => write!(
                f,
                "nothing maps the role: its nodes are rejected. Line {} of {} names it, but has no effect: {why}",
                place.line,
                place.section.key()
            ),
            Self::WrongTerms { differences } => {
                write!(f, "the entry of aws-auth is not that of its nodes: {}", differences.join("; "))
            }
            Self::WrongType { found, needed } if found == STANDARD => write!(
                f,
                "the access entry has type {STANDARD}, which is not for nodes, and needs {needed}"
            ),
            Self::WrongType { found, needed } => {
                write!(f, "the access entry has type {found}, and its nodes need {needed}")
            }
            Self::SeveralTypes { needed } => write!(
                f,
                "its nodes need the types {}, and an access entry has one",
                needed.join(" and ")
            ),
            Self::MissingPolicy => write!(f, "the access entry lacks the access policy {AUTO_NODE}"),
            Self::DeadEntry => f.write_str(
                "the access entry is older than the role, which was deleted and created again: EKS rejects its nodes",
            ),
            Self::NoSuchRole => f.write_str("IAM has no such role"),
            Self::Unknown { why } => f.write_str(why),
        }
    }
}
