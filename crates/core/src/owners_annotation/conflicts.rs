//! Requested entries that belong to another owner.

use super::digest::{of_entry, principal};
use super::document_entries::{EntryRef, RequestedKeys, entries, entry_ref};
use super::{Owner, Owners};
use crate::document::{Document, Principal};

/// A requested entry that another owner claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub entry: EntryRef,
    /// The owner that claims it.
    pub holder: Owner,
    /// Whether it was changed after its holder wrote it.
    pub changed: bool,
}

/// Returns the entries that other owners claim and `owner` requests, in document order. Without an owner, returns every requested
/// entry that has an owner; this causes a notice, not a refusal.
///
/// An entry is returned even if it was changed after its owner wrote it, and even if the request does not change it, because requesting
/// an entry claims it. Claims to removed entries are ignored.
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
