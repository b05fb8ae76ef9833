//! The plan of a migration: a verdict for each entry of aws-auth, and the operations.

use std::fmt;

use crate::access_entries::Operation;
use crate::access_entries::rules::MAX_ENTRIES;
use crate::authenticator::Place;
use crate::document::{Mapping, Principal};
use crate::facts::access_entries::AccessEntry;

/// The plan of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationPlan<'d> {
    /// Every entry of aws-auth, in document order.
    pub items: Vec<Item<'d>>,
    /// The operations in a safe order; empty if an obstacle exists.
    pub operations: Vec<Operation>,
    /// Why nothing can be migrated.
    pub obstacles: Vec<Obstacle>,
    /// What else the user must know, as sentences.
    pub notes: Vec<String>,
    /// What could not be checked, as sentences.
    pub unchecked: Vec<String>,
}

/// An entry of aws-auth in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'d> {
    pub place: Place,
    pub mapping: &'d Mapping,
    /// The access entry that decides for its principal afterwards: a planned or an existing one.
    pub entry: Option<AccessEntry>,
    pub verdict: Verdict<'d>,
    /// What could not be checked about it.
    pub unchecked: Vec<Unchecked>,
}

/// What could not be checked about an entry. Displayed as a sentence fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unchecked {
    /// Whether the role exists, and its IAM path. EKS refuses the ARN without the path, which changes nothing.
    Role {
        partition: String,
        account: String,
        name: String,
    },
    /// Whether the user exists.
    User,
    /// Whether the existing access entry is older than its principal: EKS then does not let the principal in.
    Age,
    /// Whether EKS accepts this group: it reserves the prefix in usernames.
    Group(String),
    /// Whether a node role belongs to the account of the cluster, as EKS requires.
    NodeAccount,
}

/// What happens to an entry of aws-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'d> {
    /// The access entry gives the same username and groups.
    Same,
    /// The access entry gives the same permissions by other means.
    SameRightsOtherWay {
        /// What differs, as sentence fragments.
        differences: Vec<String>,
    },
    /// The access entry gives other access. It is created only if the user accepts this.
    Changed {
        differences: Vec<String>,
        is_accepted: bool,
    },
    /// No access entry gives this access.
    Cannot {
        reason: String,
        /// Who would lose which access in mode `API`.
        loses: String,
        /// What to do instead.
        remedy: String,
    },
    /// It has no effect today, so there is nothing to migrate.
    NotMigrated { reason: Reason<'d> },
    /// An existing access entry gives the same permissions.
    AlreadyThere {
        /// What differs although the permissions are the same.
        differences: Vec<String>,
    },
    /// An earlier run created the access entry, and stopped before it associated the policy that gives the permissions.
    Unfinished {
        /// How the finished access entry differs from aws-auth.
        differences: Vec<String>,
    },
    /// An existing access entry gives other access. It already hides aws-auth for the principal.
    Conflict { differences: Vec<String> },
    /// The access entry was created before its principal, so it belongs to a deleted role or user of the same name. EKS
    /// does not let the principal in through it:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
    DeadEntry,
    /// The user keeps it in aws-auth.
    Skipped,
}

/// Why an entry of aws-auth has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason<'d> {
    /// Another entry decides.
    ReplacedBy(Place),
    /// The authenticator drops the entry, with this message.
    Ignored(&'d str),
    /// No caller can have this ARN or account.
    NeverMatches,
    /// The cluster ignores aws-auth.
    Mode,
    /// The role or user does not exist.
    NoSuchPrincipal,
}

/// Why nothing can be migrated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The cluster would have more access entries than EKS allows.
    TooManyEntries { existing: usize, new: usize },
    /// The platform version of the cluster has no access entries.
    PlatformVersion { version: String, platform: String },
    /// The binding of the group to cluster-admin would make another principal an administrator.
    AdminGroupInUse { group: String, by: String },
}

/// Whether EKS has an access entry of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    New,
    Exists,
    /// It exists without the policy that replaces `system:masters`.
    LacksPolicy,
}

/// How many entries of aws-auth have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The entries in effect.
    pub effective: usize,
    pub same: usize,
    pub other_way: usize,
    /// Those that the user accepted.
    pub accepted: usize,
    /// Those that the user did not accept.
    pub changed: usize,
    pub cannot: usize,
    pub conflicts: usize,
    pub dead: usize,
    pub skipped: usize,
    pub not_migrated: usize,
}

impl MigrationPlan<'_> {
    /// Counts the verdicts.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for item in &self.items {
            let count = match &item.verdict {
                Verdict::NotMigrated { .. } => {
                    summary.not_migrated += 1;
                    continue;
                }
                Verdict::Same => &mut summary.same,
                Verdict::AlreadyThere { differences } if differences.is_empty() => {
                    &mut summary.same
                }
                Verdict::AlreadyThere { .. }
                | Verdict::Unfinished { .. }
                | Verdict::SameRightsOtherWay { .. } => &mut summary.other_way,
                Verdict::Changed {
                    is_accepted: true, ..
                } => &mut summary.accepted,
                Verdict::Changed { .. } => &mut summary.changed,
                Verdict::Cannot { .. } => &mut summary.cannot,
                Verdict::Conflict { .. } => &mut summary.conflicts,
                Verdict::DeadEntry => &mut summary.dead,
                Verdict::Skipped => &mut summary.skipped,
            };
            *count += 1;
            summary.effective += 1;
        }
        summary
    }

    /// Returns the access entries that replace the mappings of aws-auth, in its order; none if an obstacle exists.
    pub fn entries(&self) -> impl Iterator<Item = (&AccessEntry, Presence)> {
        let items = self.items.iter().filter(|_| self.obstacles.is_empty());
        items.filter_map(|item| {
            let exists = match &item.verdict {
                Verdict::AlreadyThere { .. } => Presence::Exists,
                Verdict::Unfinished { .. } => Presence::LacksPolicy,
                verdict if verdict.creates() => Presence::New,
                _ => return None,
            };
            Some((item.entry.as_ref()?, exists))
        })
    }
}

impl Verdict<'_> {
    /// Returns whether the plan creates an access entry, or finishes one.
    pub fn creates(&self) -> bool {
        matches!(
            self,
            Self::Same
                | Self::SameRightsOtherWay { .. }
                | Self::Unfinished { .. }
                | Self::Changed {
                    is_accepted: true,
                    ..
                }
        )
    }
}

impl Summary {
    /// Returns how many principals and accounts have no access entry after the operations.
    pub fn only_in_aws_auth(&self) -> usize {
        self.changed + self.cannot + self.dead + self.skipped
    }
}

impl Item<'_> {
    /// Names the principal or the account.
    pub fn name(&self) -> &str {
        match &self.mapping.principal {
            principal @ Principal::Sso(_) => principal.text(),
            Principal::Role(text) | Principal::User(text) | Principal::Account(text) => text,
        }
    }
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role {
                partition,
                account,
                name,
            } => write!(
                f,
                "whether the role exists, and its IAM path; --principal arn:{partition}:iam::{account}:role/PATH/{name} gives it"
            ),
            Self::User => f.write_str("whether the user exists"),
            Self::Age => f.write_str("whether the access entry is older than its principal"),
            Self::Group(group) => write!(f, "whether EKS accepts the group {group}"),
            Self::NodeAccount => {
                f.write_str("whether the cluster has the same account, as EKS requires for nodes")
            }
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyEntries { existing, new } => write!(
                f,
                "the cluster has {existing} access entries, {new} more would exceed EKS's limit of {MAX_ENTRIES}"
            ),
            Self::PlatformVersion { version, platform } => write!(
                f,
                "Kubernetes {version} with the platform version {platform} has no access entries"
            ),
            Self::AdminGroupInUse { group, by } => write!(
                f,
                "the group {group} is to replace system:masters, but {by} may already be in it, and would become an administrator"
            ),
        }
    }
}

impl Obstacle {
    /// Returns what to do instead.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::AdminGroupInUse { .. } => "choose a group that no user has: --masters group=NAME",
            Self::TooManyEntries { .. } => {
                "delete access entries, or let users of several roles assume one role"
            }
            Self::PlatformVersion { .. } => "upgrade the cluster",
        }
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReplacedBy(place) => {
                write!(f, "{} line {} replaces it", place.section.key(), place.line)
            }
            Self::Ignored(message) => write!(f, "the authenticator ignores it: {message}"),
            Self::NeverMatches => f.write_str("no caller has this ARN or account"),
            Self::Mode => f.write_str("in authentication mode API, the cluster ignores aws-auth"),
            Self::NoSuchPrincipal => f.write_str("it does not exist in IAM"),
        }
    }
}
