//! Which entries an owner may remove, and which belong to another owner.

use std::collections::HashSet;

use super::digest::{of_entry, principal, store_key};
use super::{Owner, Owners};
use crate::arn::fold;
use crate::document::{Document, Entry, Principal, Section, SectionName};

/// An entry of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRef {
    pub section: SectionName,
    /// Line in the section's own text, from 1.
    pub line: usize,
    /// The principal, as written.
    pub principal: Principal,
}

/// The entries that an owner no longer requests, in document order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Entries that are unchanged since this owner wrote them. They are removed by line.
    pub remove: Vec<EntryRef>,
    /// Entries that this owner claims but that are kept.
    pub kept: Vec<Kept>,
}

/// An entry that is not pruned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub entry: EntryRef,
    pub reason: KeptReason,
}

/// Why an entry that is no longer requested is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptReason {
    /// It was changed since the owner wrote it, or it is another entry with the same key.
    Changed,
    /// This owner claims it too.
    AlsoOf(Owner),
}

/// A requested entry that another owner claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub entry: EntryRef,
    /// The owner that claims it.
    pub holder: Owner,
    /// Whether it was changed since its holder wrote it.
    pub changed: bool,
}

/// Returns what `owner` applied before and no longer requests; `requested` are the principals that it requests now.
///
/// Empty if the annotation is absent or unreadable: then no entry has an owner.
pub fn prune<'p>(
    document: &Document,
    owners: &Owners,
    owner: &Owner,
    requested: impl IntoIterator<Item = &'p Principal>,
) -> Pruned {
    let mut pruned = Pruned::default();
    if !owners.knows(owner) {
        return pruned;
    }
    let requested = RequestedKeys::of(requested);
    for (section, entry) in
        entries(document).filter(|(_, entry)| !requested.contains(principal(entry)))
    {
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

/// Returns the entries that other owners claim and `owner` requests, in document order. Without an owner, returns every requested
/// entry that has an owner; this causes a notice, not a refusal.
///
/// An entry is returned even if it was changed since, and even if the request does not change it, because requesting an entry claims it.
/// Claims to removed entries are ignored.
pub fn conflicts<'p>(
    document: &Document,
    owners: &Owners,
    owner: Option<&Owner>,
    requested: impl IntoIterator<Item = &'p Principal>,
) -> Vec<Conflict> {
    let requested = RequestedKeys::of(requested);
    let mut conflicts = Vec::new();
    for (section, entry) in
        entries(document).filter(|(_, entry)| requested.contains(principal(entry)))
    {
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

pub(super) fn entry_ref(section: &Section, entry: &Entry) -> EntryRef {
    EntryRef {
        section: section.name(),
        line: entry.line,
        principal: principal(entry).clone(),
    }
}

/// Requested principals, compared as the authenticator does: ignoring the letter case of ARNs.
pub(super) struct RequestedKeys(HashSet<(SectionName, String)>);

impl RequestedKeys {
    pub(super) fn of<'p>(requested: impl IntoIterator<Item = &'p Principal>) -> Self {
        Self(requested.into_iter().map(key).collect())
    }

    pub(super) fn contains(&self, principal: &Principal) -> bool {
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
