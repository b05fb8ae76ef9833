//! Roles and users of an account, as IAM returns them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::arn::Parts;

/// The roles, users and instance profiles of one account, as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principals {
    pub account: String,
    pub roles: Listed,
    pub users: Listed,
    /// The ARN of the role in each requested instance profile; `None` if the profile does not exist or has no role.
    pub instance_profiles: BTreeMap<String, Option<String>>,
}

/// A role or a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    /// With its IAM path.
    pub arn: String,
    /// The name. Names differ by more than letter case:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    pub name: String,
    /// A role's trust policy, percent-encoded as IAM returns it.
    pub trust: Option<String>,
    pub created_at: Option<Timestamp>,
}

/// A role, and when it was last used in any service of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleUse {
    /// Such as `AROAEXAMPLE`. A role that is created again has another one:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>
    pub unique_id: String,
    /// `None` if it was not used in the 400 days that IAM remembers.
    pub last_used_at: Option<Timestamp>,
}

/// Some or all of an account's roles or users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The principals by name in lower case.
    found: BTreeMap<String, Principal>,
    /// The names, in lower case, of principals that do not exist.
    absent: BTreeSet<String>,
    is_all: bool,
}

/// The result of looking up a principal by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence<'a> {
    Exists(&'a Principal),
    /// It does not exist.
    Absent,
    /// It could not be read.
    Unknown,
}

impl Listed {
    /// Creates a complete list.
    pub fn all(found: Vec<Principal>) -> Self {
        Self {
            is_all: true,
            ..Self::some(found, [])
        }
    }

    /// Creates an incomplete list, with the names that are known not to exist.
    pub fn some(found: Vec<Principal>, absent: impl IntoIterator<Item = String>) -> Self {
        let found = found.into_iter();
        let absent = absent.into_iter();
        Self {
            found: found
                .map(|one| (one.name.to_ascii_lowercase(), one))
                .collect(),
            absent: absent.map(|name| name.to_ascii_lowercase()).collect(),
            is_all: false,
        }
    }

    /// Returns whether the list is complete.
    pub fn is_all(&self) -> bool {
        self.is_all
    }

    /// Returns the principals that were found.
    pub fn found(&self) -> impl Iterator<Item = &Principal> {
        self.found.values()
    }

    /// Looks up a name, ignoring letter case.
    pub fn named(&self, name: &str) -> Existence<'_> {
        let name = name.to_ascii_lowercase();
        match self.found.get(&name) {
            Some(found) => Existence::Exists(found),
            None if self.is_all || self.absent.contains(&name) => Existence::Absent,
            None => Existence::Unknown,
        }
    }

    fn is_unread(&self) -> bool {
        !self.is_all && self.found.is_empty() && self.absent.is_empty()
    }
}

impl Principals {
    /// Returns what IAM reports about the name in an ARN. `None` if it is of another account, neither a role nor a user, or
    /// service-linked: EKS itself manages the access entries of those.
    pub fn existence(&self, arn: &str) -> Option<Existence<'_>> {
        let arn = Parts::of(arn).filter(|arn| arn.account == self.account)?;
        if arn.is("iam", "user") {
            return Some(self.users.named(arn.name));
        }
        let is_service_linked = arn.path.starts_with("/aws-service-role/");
        (arn.is("iam", "role") && !is_service_linked).then(|| self.roles.named(arn.name))
    }

    /// Returns whether nothing could be read.
    pub fn is_unread(&self) -> bool {
        self.roles.is_unread() && self.users.is_unread() && self.instance_profiles.is_empty()
    }
}
