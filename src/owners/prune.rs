use std::collections::HashSet;

use super::digest::{of_entry, principal, store_key};
use super::{Owner, Owners};
use crate::arn::fold;
use crate::document::{Document, Entry, Principal, Section, SectionName};

/// An entry of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRef {
    /// Its section.
    pub section: SectionName,
    /// Line in the section's own text, from 1.
    pub line: usize,
    /// Whom it admits, as written.
    pub principal: Principal,
}

/// What an owner no longer asks for, in document order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Entries that still read as this owner wrote them: to be removed, each by its line.
    pub remove: Vec<EntryRef>,
    /// Entries that this owner claims and that stay all the same.
    pub kept: Vec<Kept>,
}

/// An entry that is not pruned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The entry.
    pub entry: EntryRef,
    /// Why it stays.
    pub reason: KeptReason,
}

/// Why an entry that is no longer asked for stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptReason {
    /// It does not read as the owner wrote it: somebody changed it since, or it is another entry of the same key.
    Changed,
    /// This owner claims it too.
    AlsoOf(Owner),
}

/// An entry that a wanted mapping would take from another owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The entry.
    pub entry: EntryRef,
    /// Who claims it.
    pub holder: Owner,
    /// Whether somebody changed it since its holder wrote it.
    pub changed: bool,
}

/// What `owner` applied before and no longer asks for; `wanted` is whom it asks for now.
///
/// Nothing when the annotation is absent or unreadable: then nobody owns anything.
pub fn prune<'p>(
    document: &Document,
    owners: &Owners,
    owner: &Owner,
    wanted: impl IntoIterator<Item = &'p Principal>,
) -> Pruned {
    let mut pruned = Pruned::default();
    if !owners.knows(owner) {
        return pruned;
    }
    let wanted = WantedKeys::of(wanted);
    for (section, entry) in entries(document).filter(|(_, entry)| !wanted.holds(principal(entry))) {
        let digest = of_entry(section, entry);
        let Some(claim) = owners.claim(owner, digest.key()) else {
            continue;
        };
        let found = entry_ref(section, entry);
        let other = owners.holders(digest.key()).find(|holder| *holder != owner);
        if claim != digest {
            pruned.kept.push(Kept {
                entry: found,
                reason: KeptReason::Changed,
            });
        } else if let Some(other) = other {
            pruned.kept.push(Kept {
                entry: found,
                reason: KeptReason::AlsoOf(other.clone()),
            });
        } else {
            pruned.remove.push(found);
        }
    }
    pruned
}

/// The entries that other owners claim and `owner` asks for, in document order. Without an owner: every owned entry that is
/// asked for, which is a notice and no refusal.
///
/// An entry counts however it reads by now, and also when it is asked for exactly as it stands: to ask for it is to claim
/// it. A claim to an entry that is gone is nobody's loss.
pub fn conflicts<'p>(
    document: &Document,
    owners: &Owners,
    owner: Option<&Owner>,
    wanted: impl IntoIterator<Item = &'p Principal>,
) -> Vec<Conflict> {
    let wanted = WantedKeys::of(wanted);
    let mut conflicts = Vec::new();
    for (section, entry) in entries(document).filter(|(_, entry)| wanted.holds(principal(entry))) {
        let digest = of_entry(section, entry);
        for holder in owners
            .holders(digest.key())
            .filter(|holder| Some(*holder) != owner)
        {
            let changed = owners.claim(holder, digest.key()) != Some(digest);
            conflicts.push(Conflict {
                entry: entry_ref(section, entry),
                holder: holder.clone(),
                changed,
            });
        }
    }
    conflicts
}

pub(super) fn entries(document: &Document) -> impl Iterator<Item = (&Section, &Entry)> {
    document
        .sections()
        .flat_map(|section| section.entries().iter().map(move |entry| (section, entry)))
}

fn entry_ref(section: &Section, entry: &Entry) -> EntryRef {
    EntryRef {
        section: section.name(),
        line: entry.line,
        principal: principal(entry).clone(),
    }
}

/// Whom somebody asks for, compared as the authenticator compares: without regard to the letter case of ARNs.
pub(super) struct WantedKeys(HashSet<(SectionName, String)>);

impl WantedKeys {
    pub(super) fn of<'p>(wanted: impl IntoIterator<Item = &'p Principal>) -> Self {
        Self(wanted.into_iter().map(key).collect())
    }

    pub(super) fn holds(&self, principal: &Principal) -> bool {
        self.0.contains(&key(principal))
    }
}

fn key(principal: &Principal) -> (SectionName, String) {
    let section = match principal {
        Principal::Role(_) | Principal::Sso(_) => SectionName::Roles,
        Principal::User(_) => SectionName::Users,
        Principal::Account(_) => SectionName::Accounts,
    };
    (section, fold(&store_key(principal)).into_owned())
}
