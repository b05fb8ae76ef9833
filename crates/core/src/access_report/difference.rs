//! What changed between two reports.

use std::collections::{BTreeMap, BTreeSet};

use super::{AccessReport, FleetReport, PrincipalAccess};

/// What changed between two reports, by principal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference<'a> {
    /// For each cluster in the order of the new report, then those that are gone.
    pub changes: Vec<ClusterChange<'a>>,
    /// The clusters that only one of the reports covers.
    pub not_compared: Vec<NotCompared<'a>>,
}

/// A change, and the name of its cluster if the reports are of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterChange<'a> {
    pub cluster: Option<&'a str>,
    pub change: Change<'a>,
}

/// A cluster of which there is nothing to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCompared<'a> {
    pub cluster: &'a str,
    /// A phrase.
    pub why: String,
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
    /// Compares two reports of one cluster. The position of an entry in aws-auth does not count.
    pub fn between(old: &'a AccessReport, new: &'a AccessReport) -> Self {
        let changes = changes(old, new).map(|change| ClusterChange {
            cluster: None,
            change,
        });
        Self {
            changes: changes.collect(),
            not_compared: Vec::new(),
        }
    }

    /// Compares the reports of each cluster, which is recognized by its name.
    pub fn between_fleets(old: &'a FleetReport, new: &'a FleetReport) -> Self {
        let before: BTreeMap<&str, _> = old
            .clusters
            .iter()
            .map(|one| (one.cluster.as_str(), one))
            .collect();
        let mut difference = Self::default();
        for now in &new.clusters {
            let cluster = now.cluster.as_str();
            let then = before.get(cluster).map(|then| then.read());
            let why = match (then, now.read()) {
                (Some(Ok(then)), Ok(now)) => {
                    let of_cluster = changes(then, now).map(|change| ClusterChange {
                        cluster: Some(cluster),
                        change,
                    });
                    difference.changes.extend(of_cluster);
                    continue;
                }
                (None, _) => "the earlier report does not have this cluster".to_owned(),
                (Some(_), Err(why)) => format!("the later report could not read it: {why}"),
                (Some(Err(why)), _) => format!("the earlier report could not read it: {why}"),
            };
            difference.not_compared.push(NotCompared { cluster, why });
        }
        let after: BTreeSet<&str> = new
            .clusters
            .iter()
            .map(|one| one.cluster.as_str())
            .collect();
        let gone = old.clusters.iter().map(|one| one.cluster.as_str());
        let gone = gone.filter(|cluster| !after.contains(cluster));
        difference
            .not_compared
            .extend(gone.map(|cluster| NotCompared {
                cluster,
                why: "the later report does not have this cluster".to_owned(),
            }));
        difference
    }

    /// Returns whether all clusters were compared and no access differs.
    pub fn is_same(&self) -> bool {
        self.changes.is_empty() && self.not_compared.is_empty()
    }
}

fn changes<'a>(old: &'a AccessReport, new: &'a AccessReport) -> impl Iterator<Item = Change<'a>> {
    let by_principal = |report: &'a AccessReport| -> BTreeMap<&str, &PrincipalAccess> {
        let all = report.principals.iter();
        all.map(|one| (one.principal.as_str(), one)).collect()
    };
    let (before, after) = (by_principal(old), by_principal(new));
    let current =
        new.principals
            .iter()
            .filter_map(move |now| match before.get(now.principal.as_str()) {
                None => Some(Change::Added(now)),
                Some(then) if !is_same(then, now) => Some(Change::Changed {
                    before: then,
                    after: now,
                }),
                Some(_) => None,
            });
    let gone = old.principals.iter();
    let gone = gone.filter(move |then| !after.contains_key(then.principal.as_str()));
    current.chain(gone.map(Change::Removed))
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
