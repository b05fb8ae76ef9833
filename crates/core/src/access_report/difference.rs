//! What changed between two reports.

use std::collections::BTreeMap;

use super::{AccessReport, PrincipalAccess};

/// What changed between two reports, by principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference<'a> {
    /// In the order of the new report, then those that are gone.
    pub changes: Vec<Change<'a>>,
}

/// How a principal's access changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    Added(&'a PrincipalAccess),
    Removed(&'a PrincipalAccess),
    Changed {
        before: &'a PrincipalAccess,
        after: &'a PrincipalAccess,
    },
}

impl<'a> Difference<'a> {
    /// Compares two reports. The position of an entry in aws-auth does not count.
    pub fn between(old: &'a AccessReport, new: &'a AccessReport) -> Self {
        let by_principal = |report: &'a AccessReport| -> BTreeMap<&str, &PrincipalAccess> {
            let all = report.principals.iter();
            all.map(|one| (one.principal.as_str(), one)).collect()
        };
        let (before, after) = (by_principal(old), by_principal(new));
        let current =
            new.principals
                .iter()
                .filter_map(|now| match before.get(now.principal.as_str()) {
                    None => Some(Change::Added(now)),
                    Some(then) if !is_same(then, now) => Some(Change::Changed {
                        before: then,
                        after: now,
                    }),
                    Some(_) => None,
                });
        let gone = old.principals.iter();
        let gone = gone.filter(|then| !after.contains_key(then.principal.as_str()));
        Self {
            changes: current.chain(gone.map(Change::Removed)).collect(),
        }
    }
}

impl<'a> Change<'a> {
    /// Returns the principal, as it is now if it still has access.
    pub fn principal(&self) -> &'a PrincipalAccess {
        match self {
            Self::Added(one) | Self::Removed(one) => one,
            Self::Changed { after, .. } => after,
        }
    }
}

fn is_same(one: &PrincipalAccess, other: &PrincipalAccess) -> bool {
    let access = |of: &PrincipalAccess| {
        let (username, mut groups) = (of.username.clone(), of.groups.clone());
        groups.sort();
        (username, groups, of.level, of.is_dead)
    };
    access(one) == access(other) && one.rights == other.rights
}
