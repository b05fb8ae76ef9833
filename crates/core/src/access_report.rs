//! Who has access to a cluster, by which path, and to what: the data of `report`.

mod difference;
mod fleet;
mod level;
mod principals;
mod rights;
mod role_levels;
#[cfg(test)]
mod tests;

pub use difference::{Change, ClusterChange, Difference, NotCompared};
pub use fleet::{ClusterReport, FleetReport};
pub use level::Level;
pub use role_levels::RoleLevels;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::lint::{self, Facts};
use crate::unused_access::{Usage, UsageEvidence};

/// Who has access to a cluster, and to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessReport {
    pub head: Head,
    /// The principals that can sign in, those with the most access first.
    pub principals: Vec<PrincipalAccess>,
    pub findings: Vec<Finding>,
}

/// Where a report comes from, and what it does not cover.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The cluster or file that was read.
    pub cluster: String,
    /// EKS's name of the authentication mode, if it is known.
    pub authentication_mode: Option<String>,
    /// When it was read, in RFC 3339.
    pub read_at: String,
    /// The user that read it, if it is known.
    pub read_by: Option<String>,
    /// The version of awsauth.
    pub version: String,
    /// What could not be read, and why: phrases.
    pub not_read: Vec<String>,
    /// The beginning of the period of [`LastUse`], in RFC 3339; `None` if sign-ins were not requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_since: Option<String>,
}

/// Whether a principal signed in during a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "usage",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum LastUse {
    Used {
        /// In RFC 3339.
        last_sign_in: String,
    },
    /// Something proves that it did not.
    Unused {
        reason: String,
    },
    Unknown {
        reason: String,
    },
}

impl From<&Usage> for LastUse {
    fn from(usage: &Usage) -> Self {
        match usage {
            Usage::Used(sign_ins) => Self::Used {
                last_sign_in: sign_ins.last.to_string(),
            },
            Usage::Unused(proof) => Self::Unused {
                reason: proof.to_string(),
            },
            Usage::Unknown(reason) => Self::Unknown {
                reason: reason.clone(),
            },
        }
    }
}

/// The access of one principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalAccess {
    /// An ARN, or the digits of an account.
    pub principal: String,
    /// The AWS account.
    pub account: Option<String>,
    pub kind: PrincipalKind,
    pub source: Source,
    /// The Kubernetes username with its placeholders; `None` if EKS did not report it.
    pub username: Option<String>,
    pub groups: Vec<String>,
    /// The highest level of its permissions that apply to every session.
    pub level: Level,
    pub rights: Vec<Right>,
    /// When its entry expires, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Whether that time has passed. The entry still gives access.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_expired: bool,
    /// Whether the principal signed in; `None` if that was not requested or could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_use: Option<LastUse>,
    /// Whether the access entry belongs to a deleted principal of the same name, so that no caller can use it.
    pub is_dead: bool,
}

/// A kind of principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    /// A role of IAM Identity Center, which people use.
    PermissionSet,
    /// An IAM user.
    User,
    /// Any other role.
    Role,
    /// All principals of an account.
    Account,
    /// A role that nodes use.
    Node,
}

/// The store that maps a principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "kebab-case")]
pub enum Source {
    /// An entry of aws-auth.
    AwsAuth {
        /// `mapRoles`, `mapUsers` or `mapAccounts`.
        section: String,
        /// The line in that section.
        line: usize,
    },
    /// An access entry.
    AccessEntry {
        /// Such as `STANDARD`; `None` if EKS did not describe the entry.
        #[serde(rename = "type")]
        kind: Option<String>,
    },
}

/// A permission of a principal, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    pub level: Level,
    /// What the principal has that gives the permissions: `user NAME`, `group NAME` or `policy NAME`.
    pub by: String,
    /// Such as `ClusterRoleBinding admins`; `None` if none is needed.
    pub binding: Option<String>,
    /// What is granted: `ClusterRole edit`, `Role shop/dev`, or the words for permissions outside RBAC.
    pub role: String,
    /// The namespaces, possibly with `*`; `None` for the whole cluster.
    pub namespaces: Option<Vec<String>>,
    /// Whether only some sessions get it, because a template can become the name that the binding has.
    pub for_some_sessions: bool,
}

/// A finding of `lint`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub rule: String,
    pub severity: String,
    pub message: String,
    pub help: String,
    pub principal: Option<String>,
}

impl AccessReport {
    /// Evaluates a document with the facts of its cluster, and the sign-ins if they are known.
    pub fn new(
        document: &Document,
        facts: &Facts,
        linted: &lint::Report,
        sign_ins: Option<&UsageEvidence>,
        head: Head,
    ) -> Self {
        let mut principals = principals::all(document, facts, sign_ins);
        principals
            .sort_by(|a, b| (b.level, a.kind, &a.principal).cmp(&(a.level, b.kind, &b.principal)));
        let finding = |finding: &lint::Finding| Finding {
            rule: finding.rule.id.to_owned(),
            severity: finding.severity.name().to_owned(),
            message: finding.message.clone().into_owned(),
            help: finding.help.clone().into_owned(),
            principal: finding.principal.as_deref().map(str::to_owned),
        };
        let mut findings: Vec<_> = linted.findings.iter().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Self {
            head: Head {
                not_read: not_read(facts, linted, head.not_read),
                ..head
            },
            principals,
            findings: findings.into_iter().map(finding).collect(),
        }
    }

    /// Returns the namespaces, possibly with `*`, in which any principal has permissions.
    pub fn namespaces(&self) -> BTreeSet<&str> {
        let rights = self.principals.iter().flat_map(|one| &one.rights);
        rights
            .flat_map(|right| right.namespaces.iter().flatten())
            .map(String::as_str)
            .collect()
    }

    /// Returns the principals that can sign in and have this level in the whole cluster.
    pub fn at(&self, level: Level) -> impl Iterator<Item = &PrincipalAccess> {
        self.principals
            .iter()
            .filter(move |one| !one.is_dead && one.level == level)
    }
}

impl PrincipalAccess {
    /// Returns the level in a namespace, possibly with `*`, including what applies in the whole cluster.
    pub fn level_in(&self, namespace: &str) -> Level {
        let applies = |right: &&Right| match &right.namespaces {
            None => true,
            Some(names) => names.iter().any(|name| name == namespace),
        };
        let certain = self.rights.iter().filter(|right| !right.for_some_sessions);
        let levels = certain.filter(applies).map(|right| right.level);
        levels.max().unwrap_or_default()
    }

    /// Returns the level in the whole cluster.
    pub fn level_in_cluster(&self) -> Level {
        let certain = self.rights.iter().filter(|right| !right.for_some_sessions);
        let levels = certain.filter(|right| right.namespaces.is_none());
        levels.map(|right| right.level).max().unwrap_or_default()
    }
}

/// The administrator that no report can name. In this mode, EKS gives the identity that created the cluster the permissions of
/// `system:masters` without an entry:
/// <https://docs.aws.amazon.com/eks/latest/userguide/grant-k8s-access.html>
const CREATOR: &str = "the IAM identity that created the cluster: in mode CONFIG_MAP it is an administrator, is not in aws-auth, and EKS does not name it";

/// Returns what the report does not cover, as phrases.
fn not_read(facts: &Facts, linted: &lint::Report, mut gaps: Vec<String>) -> Vec<String> {
    match &facts.rbac {
        None => gaps.push("RBAC: what users and groups may do is unknown".to_owned()),
        Some(policy) => gaps.extend(
            policy
                .unread
                .iter()
                .map(|unread| format!("{} ({})", unread.resource, unread.why)),
        ),
    }
    match &facts.access_entries {
        None => gaps.push(
            "the authentication mode and access entries (name the cluster with --cluster-name)"
                .to_owned(),
        ),
        Some(entries) if entries.all().is_none() => gaps.push("access entries".to_owned()),
        Some(_) => {}
    }
    if facts
        .access_entries
        .as_ref()
        .is_some_and(|entries| entries.mode() == AuthenticationMode::ConfigMap)
    {
        gaps.push(CREATOR.to_owned());
    }
    let cluster = facts.cluster.iter();
    let missing = cluster.flat_map(|cluster| &cluster.unavailable_principals);
    gaps.extend(missing.map(|why| format!("whether every principal exists in IAM ({why})")));
    if !linted.not_checked.is_empty() {
        let rules = linted.not_checked.iter().map(|rule| rule.rule.id);
        let rules: Vec<_> = rules.collect();
        gaps.push(format!("what lint needs for {}", rules.join(", ")));
    }
    gaps
}
