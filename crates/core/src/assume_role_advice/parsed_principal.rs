//! Principals of IAM and STS.

use crate::arn::Parts;
use crate::permission_set::after_prefix;

/// A principal of IAM or STS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IamPrincipal<'a> {
    /// As given.
    pub(super) text: &'a str,
    pub(super) kind: Kind<'a>,
    /// Empty for a service.
    pub(super) partition: &'a str,
    /// Empty for a service.
    pub(super) account: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A role or one of its sessions. STS omits the role's IAM path in the ARN of a session.
    Role {
        name: &'a str,
        session: Option<&'a str>,
    },
    User,
    Root,
    /// A session from GetFederationToken.
    Federated,
    /// Such as `ec2.amazonaws.com`.
    Service,
    /// A principal that cannot assume roles.
    Other,
}

impl<'a> IamPrincipal<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let Some(parts) = Parts::of(text) else {
            let kind = if is_service(text) {
                Kind::Service
            } else {
                Kind::Other
            };
            return Self {
                text,
                kind,
                partition: "",
                account: "",
            };
        };
        let kind = match (parts.service, parts.kind) {
            ("iam", "role") => Kind::Role {
                name: parts.name,
                session: None,
            },
            ("sts", "assumed-role") => Kind::Role {
                name: parts.path.trim_matches('/'),
                session: Some(parts.name),
            },
            ("iam", "user") => Kind::User,
            ("iam", "root") => Kind::Root,
            ("sts", "federated-user") => Kind::Federated,
            _ => Kind::Other,
        };
        Self {
            text,
            kind,
            partition: parts.partition,
            account: parts.account,
        }
    }

    /// Returns the ARN that trust policies use. For a session, this is its role without the IAM path, which is unknown.
    pub(super) fn principal(&self) -> String {
        match self.kind {
            Kind::Role {
                name,
                session: Some(_),
            } => format!("arn:{}:iam::{}:role/{name}", self.partition, self.account),
            _ => self.text.to_owned(),
        }
    }

    /// Returns the ARN of the account's root, which represents the account in a trust policy.
    pub(super) fn root(&self) -> String {
        format!("arn:{}:iam::{}:root", self.partition, self.account)
    }

    /// Returns a description such as `the role NAME`.
    pub(super) fn name(&self) -> String {
        let last = self.text.rsplit('/').next().unwrap_or_default();
        match self.kind {
            Kind::Role { name, .. } => format!("the role {name}"),
            Kind::User => format!("the user {last}"),
            Kind::Root => format!("the root user of account {}", self.account),
            Kind::Federated => format!("the federated user {last}"),
            Kind::Service | Kind::Other => self.text.to_owned(),
        }
    }

    /// Returns whether both are the same role; `other` is the ARN of a role.
    pub(super) fn is_same_role(&self, other: &Self) -> bool {
        match (self.kind, other.kind) {
            (Kind::Role { name: one, .. }, Kind::Role { name: two, .. }) => {
                one == two && self.account == other.account && self.partition == other.partition
            }
            _ => false,
        }
    }

    /// Returns whether this is a session of IAM Identity Center, whose roles have an IAM path with a region.
    pub(super) fn is_sso(&self) -> bool {
        matches!(self.kind, Kind::Role { name, session: Some(_) } if after_prefix(name).is_some())
    }
}

fn is_service(text: &str) -> bool {
    text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn")
}
