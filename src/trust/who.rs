use crate::arn::Parts;

/// Who wants to assume the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who<'a> {
    /// As it was given.
    pub(super) text: &'a str,
    pub(super) kind: Kind<'a>,
    /// Empty for a service.
    pub(super) partition: &'a str,
    /// Empty for a service.
    pub(super) account: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A role, or a session of it. STS names a session without its role's IAM path.
    Role {
        name: &'a str,
        session: Option<&'a str>,
    },
    /// An IAM user.
    User,
    /// The root user of an account.
    Root,
    /// A session from GetFederationToken.
    Federated,
    /// An AWS service, such as `ec2.amazonaws.com`.
    Service,
    /// Nothing that can assume a role.
    Other,
}

impl<'a> Who<'a> {
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

    /// The ARN that a trust policy names it by. For a session that is its role, whose IAM path is not known.
    pub(super) fn principal(&self) -> String {
        match self.kind {
            Kind::Role {
                name,
                session: Some(_),
            } => format!("arn:{}:iam::{}:role/{name}", self.partition, self.account),
            _ => self.text.to_owned(),
        }
    }

    /// The ARN of its account's root, which in a trust policy stands for the account.
    pub(super) fn root(&self) -> String {
        format!("arn:{}:iam::{}:root", self.partition, self.account)
    }

    /// `the role NAME`, and so on.
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

    /// Whether both are the same role, of which `other` is given by its ARN.
    pub(super) fn is_same_role(&self, other: &Self) -> bool {
        match (self.kind, other.kind) {
            (Kind::Role { name: one, .. }, Kind::Role { name: two, .. }) => {
                one == two && self.account == other.account && self.partition == other.partition
            }
            _ => false,
        }
    }

    /// Whether it is a session of IAM Identity Center, whose roles have an IAM path with a region in it.
    pub(super) fn is_sso(&self) -> bool {
        matches!(self.kind, Kind::Role { name, session: Some(_) } if name.starts_with("AWSReservedSSO_"))
    }
}

fn is_service(text: &str) -> bool {
    text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn")
}
