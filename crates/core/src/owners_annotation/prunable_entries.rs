//! The entries that an owner no longer requests: which of them it may remove, and which stay.

use super::digest::{of_entry, principal};
use super::document_entries::{EntryRef, RequestedKeys, entries, entry_ref};
use super::{Owner, Owners};
use crate::document::{Document, Principal};

/// The entries that an owner no longer requests, in document order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrunableEntries {
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
    /// It was changed after the owner wrote it, or it is another entry with the same key.
    Changed,
    /// This owner claims it too.
    AlsoOf(Owner),
}

/// Returns what `owner` applied before and no longer requests; `requested` are the principals that it requests now.
///
/// Empty if the annotation is absent or unreadable: then no entry has an owner.
pub fn prunable_entries<'p>(
    document: &Document,
    owners: &Owners,
    owner: &Owner,
    requested: impl IntoIterator<Item = &'p Principal>,
) -> PrunableEntries {
    let mut found = PrunableEntries::default();
    if !owners.knows(owner) {
        return found;
    }
    let requested = RequestedKeys::of(requested);
    for (section, entry) in
        entries(document).filter(|(_, entry)| !requested.contains(principal(entry)))
    {
        let digest = of_entry(section, entry);
        let Some(claim) = owners.claim(owner, digest.key()) else {
            continue;
        };
        let entry = entry_ref(section, entry);
        let other = owners.holders(digest.key()).find(|holder| *holder != owner);
        if claim != digest {
            found.kept.push(Kept {
                entry,
                reason: KeptReason::Changed,
            });
        } else if let Some(other) = other {
            found.kept.push(Kept {
                entry,
                reason: KeptReason::AlsoOf(other.clone()),
            });
        } else {
            found.remove.push(entry);
        }
    }
    found
}
