//! The canonical form of an ARN.

use super::{Normalized, equal_fold, fold, normalize};
use crate::facts::partitions::Partition;

/// An ARN in the form that the authenticator compares entries with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// The ARN as given; for a session, the ARN of its role.
    pub arn: String,
    /// The kind of the given ARN.
    pub kind: Kind,
}

/// The kinds of ARN by which STS names a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `arn:…:iam::…:role/…`
    Role,
    /// `arn:…:iam::…:user/…`
    User,
    /// `arn:…:iam::…:root`, the account's root user
    Root,
    /// `arn:…:sts::…:federated-user/…`
    FederatedUser,
    /// `arn:…:sts::…:assumed-role/ROLE/SESSION`
    AssumedRole,
}

impl Kind {
    /// Returns the authenticator's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
            Self::Root => "root",
            Self::FederatedUser => "federated-user",
            Self::AssumedRole => "assumed-role",
        }
    }
}

/// Why an ARN does not name an identity. The messages are the authenticator's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// It does not start with `arn:`.
    #[error("arn '{0}' is invalid: 'arn: invalid prefix'")]
    Prefix(String),
    /// It has fewer than six sections.
    #[error("arn '{0}' is invalid: 'arn: not enough sections'")]
    Sections(String),
    /// Its partition is not one of [`PARTITIONS`](crate::facts::partitions::PARTITIONS).
    #[error("arn '{0}' does not have a recognized partition")]
    Partition(String),
    /// An assumed-role ARN without a role or without a session.
    #[error("assumed-role arn '{0}' does not have a role")]
    NoRole(String),
    /// It is a resource of IAM or STS that is not an identity, such as a group or an instance profile.
    #[error("unrecognized resource {resource} for service {service}")]
    Resource {
        /// The part after the account.
        resource: String,
        /// `iam` or `sts`
        service: &'static str,
    },
    /// It is an ARN of another service.
    #[error("service {service} in arn {arn} is not a valid service for identities")]
    Service { service: String, arn: String },
}

/// Returns the ARN that the authenticator compares entries with: for a session that of its role, else the same ARN.
///
/// Like the authenticator, it does not check the account, region, path, or white space.
///
/// # Errors
/// If the authenticator would reject the ARN.
pub fn canonical(arn: &str) -> Result<Canonical, ArnError> {
    if !arn.starts_with("arn:") {
        return Err(ArnError::Prefix(arn.to_owned()));
    }
    let sections: Vec<&str> = arn.splitn(6, ':').collect();
    let &[_, partition, service, _, account, resource] = sections.as_slice() else {
        return Err(ArnError::Sections(arn.to_owned()));
    };
    if Partition::named(partition).is_none() {
        return Err(ArnError::Partition(arn.to_owned()));
    }
    let (kind, rest) = match resource.split_once('/') {
        Some((kind, rest)) => (kind, Some(rest)),
        None => (resource, None),
    };
    let as_given = |kind| {
        Ok(Canonical {
            arn: arn.to_owned(),
            kind,
        })
    };
    match (service, kind) {
        ("sts", "assumed-role") => {
            let Some((role, _session)) = rest.and_then(|rest| rest.rsplit_once('/')) else {
                return Err(ArnError::NoRole(arn.to_owned()));
            };
            let arn = format!("arn:{partition}:iam::{account}:role/{role}");
            Ok(Canonical {
                arn,
                kind: Kind::AssumedRole,
            })
        }
        ("sts", "federated-user") => as_given(Kind::FederatedUser),
        ("iam", "role") => as_given(Kind::Role),
        ("iam", "user") => as_given(Kind::User),
        ("iam", "root") => as_given(Kind::Root),
        ("sts" | "iam", _) => Err(ArnError::Resource {
            resource: resource.to_owned(),
            service: if service == "sts" { "sts" } else { "iam" },
        }),
        _ => Err(ArnError::Service {
            service: service.to_owned(),
            arn: arn.to_owned(),
        }),
    }
}

/// Returns the ARN that the authenticator compares for an ARN as consoles and STS show it: a session's role, without an IAM path.
pub fn comparable(arn: &str) -> String {
    let canonical = canonical(arn).map_or_else(|_| arn.to_owned(), |canonical| canonical.arn);
    match normalize(&canonical) {
        Normalized::PathDropped { arn, .. } => arn,
        Normalized::AsGiven | Normalized::Session { .. } => canonical,
    }
}

/// Returns a key that is equal for ARNs that name the same principal to the authenticator.
pub fn principal_key(arn: &str) -> String {
    fold(&comparable(arn)).into_owned()
}

/// Returns whether two ARNs name the same principal to the authenticator.
pub fn is_same_principal(one: &str, other: &str) -> bool {
    equal_fold(&comparable(one), &comparable(other))
}
