//! Roles and users of an account, as IAM returns them.

use std::collections::{BTreeMap, BTreeSet};

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
}

/// Some or all of an account's roles or users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// By name in lower case.
    found: BTreeMap<String, Principal>,
    /// Names in lower case that do not exist.
    absent: BTreeSet<String>,
    is_all: bool,
}

/// Whether a principal with some name exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// It exists.
    Here(&'a Principal),
    /// It does not exist.
    Nowhere,
    /// It could not be read.
    Unknown,
}

impl Listed {
    /// A complete list.
    pub fn all(found: Vec<Principal>) -> Self {
        Self {
            is_all: true,
            ..Self::some(found, [])
        }
    }

    /// An incomplete list, and names that do not exist.
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

    /// Returns the principals that were found.
    pub fn found(&self) -> impl Iterator<Item = &Principal> {
        self.found.values()
    }

    /// Looks up a name, ignoring letter case.
    pub fn named(&self, name: &str) -> Named<'_> {
        let name = name.to_ascii_lowercase();
        match self.found.get(&name) {
            Some(found) => Named::Here(found),
            None if self.is_all || self.absent.contains(&name) => Named::Nowhere,
            None => Named::Unknown,
        }
    }

    fn is_unread(&self) -> bool {
        !self.is_all && self.found.is_empty() && self.absent.is_empty()
    }
}

impl Principals {
    /// Whether nothing could be read.
    pub fn is_unread(&self) -> bool {
        self.roles.is_unread() && self.users.is_unread() && self.instance_profiles.is_empty()
    }
}
