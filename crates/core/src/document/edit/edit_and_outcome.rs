//! What a batch can do to a document, and what each edit results in.

use std::collections::HashSet;

use crate::document::{Principal, SectionName};
use crate::facts::node_kinds::NodeKind;

/// A change to one principal's entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Adds an entry, or changes the entry in force.
    ///
    /// Of several entries with the same ARN, compared as the authenticator compares, the last one is in force. Users that differ
    /// only in letter case are all in force, and all of them are changed. Only fields that differ are written.
    Map {
        principal: Principal,
        /// The Kubernetes username; `None` keeps the current one.
        username: Option<String>,
        groups: Groups,
    },
    /// Removes every entry whose ARN equals this one as written or in canonical form.
    Unmap {
        principal: Principal,
        /// Removes only the entry that starts at this line of the section's text, from 1.
        only_line: Option<usize>,
    },
    /// Renames a group in every entry of the principal that has it, also in entries that another one shadows.
    RenameGroup {
        principal: Principal,
        from: String,
        to: String,
    },
}

/// How an edit changes groups. Order and repetitions are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// Keeps the current groups; a new entry has none.
    Keep,
    /// Sets exactly these groups.
    Set(Vec<String>),
    /// Adds and removes groups.
    Adjust {
        add: Vec<String>,
        remove: Vec<String>,
    },
}

impl Groups {
    /// Returns the groups of an entry after the change.
    pub fn after(&self, before: &[String]) -> Vec<String> {
        let (kept, added): (Vec<&String>, &[String]) = match self {
            Self::Keep => (before.iter().collect(), &[]),
            Self::Set(groups) => (Vec::new(), groups),
            Self::Adjust { add, remove } => {
                let remove: HashSet<&String> = remove.iter().collect();
                let kept = before.iter().filter(|group| !remove.contains(group));
                (kept.collect(), add)
            }
        };
        let mut seen = HashSet::new();
        let after = kept.into_iter().chain(added);
        after.filter(|group| seen.insert(*group)).cloned().collect()
    }
}

/// The outcome of one edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An entry was added.
    Added,
    /// An entry was changed.
    Changed {
        /// Its line in the section's text before the batch, from 1; `None` for an entry that the batch itself added.
        line: Option<usize>,
    },
    /// The entry was already as requested.
    Unchanged,
    /// Entries were removed.
    Removed {
        /// Their lines in the section's text before the batch, from 1; without entries that the batch itself added.
        lines: Vec<usize>,
    },
    /// There was no entry to remove.
    Absent,
}

impl Edit {
    /// Maps the role of nodes of a kind, which determines the username and groups.
    pub fn map_nodes(arn: String, kind: NodeKind) -> Self {
        let groups = kind.groups().iter().map(|&group| group.to_owned());
        Self::Map {
            principal: Principal::Role(arn),
            username: Some(kind.username().to_owned()),
            groups: Groups::Set(groups.collect()),
        }
    }

    /// Returns the same edit of another principal.
    #[must_use]
    pub fn of(self, principal: Principal) -> Self {
        match self {
            Self::Map {
                username, groups, ..
            } => Self::Map {
                principal,
                username,
                groups,
            },
            Self::Unmap { only_line, .. } => Self::Unmap {
                principal,
                only_line,
            },
            Self::RenameGroup { from, to, .. } => Self::RenameGroup {
                principal,
                from,
                to,
            },
        }
    }

    /// Returns the principal whose entries it changes.
    pub fn principal(&self) -> &Principal {
        match self {
            Self::Map { principal, .. }
            | Self::Unmap { principal, .. }
            | Self::RenameGroup { principal, .. } => principal,
        }
    }
}

impl Principal {
    /// Returns the section that contains its entries.
    pub fn section(&self) -> SectionName {
        match self {
            Self::Role(_) | Self::Sso(_) => SectionName::Roles,
            Self::User(_) => SectionName::Users,
            Self::Account(_) => SectionName::Accounts,
        }
    }
}
