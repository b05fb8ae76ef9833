use crate::facts::partitions::Partition;

/// An identity's ARN in the form that entries are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// As given, except that a session's ARN has become its role's.
    pub arn: String,
    /// What kind of ARN was given.
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
    /// The authenticator's name for it.
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

/// Why an ARN names no identity. The texts are the authenticator's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// It does not start with `arn:`.
    #[error("arn '{0}' is invalid: 'arn: invalid prefix'")]
    Prefix(String),
    /// It has fewer than six sections.
    #[error("arn '{0}' is invalid: 'arn: not enough sections'")]
    Sections(String),
    /// Its partition is none of [`PARTITIONS`](crate::facts::partitions::PARTITIONS).
    #[error("arn '{0}' does not have a recognized partition")]
    Partition(String),
    /// An assumed-role ARN without a role or without a session.
    #[error("assumed-role arn '{0}' does not have a role")]
    NoRole(String),
    /// A resource of IAM or STS that is not an identity, such as a group or an instance profile.
    #[error("unrecognized resource {resource} for service {service}")]
    Resource {
        /// Everything after the account.
        resource: String,
        /// `iam` or `sts`
        service: &'static str,
    },
    /// An ARN of another service.
    #[error("service {service} in arn {arn} is not a valid service for identities")]
    Service {
        /// The service section.
        service: String,
        /// The whole ARN.
        arn: String,
    },
}

/// The form of an identity's ARN that the authenticator compares entries with:
/// a session becomes its role, everything else stays as it is.
///
/// Account, region, paths and blanks are not checked, as the authenticator does not check them.
///
/// # Errors
/// When the authenticator would refuse the ARN as no identity's.
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
