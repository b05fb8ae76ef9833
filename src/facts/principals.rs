//! What IAM says of an account's roles and users.

use std::collections::{BTreeMap, BTreeSet};

/// The roles, users and instance profiles of one account, as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principals {
    /// The account.
    pub account: String,
    /// Its roles.
    pub roles: Listed,
    /// Its users.
    pub users: Listed,
    /// The ARN of the role in each instance profile that was asked for; `None` of one that has none, or is not there.
    pub instance_profiles: BTreeMap<String, Option<String>>,
}

/// A role or a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    /// Its ARN, with its IAM path.
    pub arn: String,
    /// Its name. No two differ by letter case alone:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    pub name: String,
    /// A role's trust policy, percent-encoded as IAM gives it.
    pub trust: Option<String>,
}

/// Some or all of an account's roles or users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// By their names in small letters.
    found: BTreeMap<String, Principal>,
    /// Names of which there are none, likewise.
    absent: BTreeSet<String>,
    is_all: bool,
}

/// Whether there is one of some name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// There is.
    Here(&'a Principal),
    /// There is none.
    Nowhere,
    /// Nobody could look.
    Unknown,
}

impl Listed {
    /// All that there are.
    pub fn all(found: Vec<Principal>) -> Self {
        Self {
            is_all: true,
            ..Self::some(found, [])
        }
    }

    /// Some of them, and names of which there are none.
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

    /// Those that are known.
    pub fn found(&self) -> impl Iterator<Item = &Principal> {
        self.found.values()
    }

    /// The one of this name, in any letter case.
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
    /// Whether nothing of it could be read.
    pub fn is_unread(&self) -> bool {
        self.roles.is_unread() && self.users.is_unread() && self.instance_profiles.is_empty()
    }
}
