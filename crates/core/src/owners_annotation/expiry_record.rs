//! When entries expire, as the annotation records it.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::Value;

use super::Owners;
use super::digest::{Digest, KeyDigest, key_digest, of_entry, store_key};
use super::document_entries::{EntryRef, entries, entry_ref};
use crate::document::{Document, Principal, SectionName};
use crate::expiry::{Clocks, Expiry, RecordedExpiry};

/// The name in the annotation under which the times are recorded.
pub(super) const EXPIRES: &str = "expires";

/// The expired entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueEntries {
    /// Entries that are unchanged since their time was recorded, in document order. They are removed by line.
    pub remove: Vec<(EntryRef, Timestamp)>,
    /// Entries that were changed after that. They stay.
    pub changed: Vec<(EntryRef, Timestamp)>,
    /// Entries whose time only one of the clocks has reached.
    pub disputed: Vec<(EntryRef, Timestamp)>,
    /// When the next unchanged entry expires.
    pub next: Option<Timestamp>,
}

/// Returns the entries that have expired by both clocks.
pub fn due_entries(document: &Document, owners: &Owners, clocks: &Clocks) -> DueEntries {
    let mut due = DueEntries::default();
    for (section, entry) in entries(document) {
        let digest = of_entry(section, entry);
        let Some((recorded, at)) = owners.expiries.get(&digest.key()) else {
            continue;
        };
        let found = (entry_ref(section, entry), *at);
        let is_changed = *recorded != digest;
        match clocks.agree_on(*at) {
            Some(true) if is_changed => due.changed.push(found),
            Some(true) => due.remove.push(found),
            _ if is_changed => {}
            None => due.disputed.push(found),
            Some(false) => due.next = due.next.into_iter().chain([*at]).min(),
        }
    }
    due
}

impl Owners {
    /// Returns the recorded times of the entries of a document, by section and line in the section's own text.
    pub fn expiries(&self, document: &Document) -> HashMap<(SectionName, usize), RecordedExpiry> {
        if self.expiries.is_empty() {
            return HashMap::new();
        }
        let recorded = entries(document).filter_map(|(section, entry)| {
            let digest = of_entry(section, entry);
            let (recorded, at) = self.expiries.get(&digest.key())?;
            let expiry = RecordedExpiry {
                at: *at,
                is_changed: *recorded != digest,
            };
            Some(((section.name(), entry.line), expiry))
        });
        recorded.collect()
    }

    /// Returns the annotation after a write changed `before` to `after` and set the times of these principals.
    ///
    /// An entry that the write changed keeps its time, unless another client had changed it before. The times of removed entries
    /// are removed. An unreadable annotation is kept unchanged.
    #[must_use]
    pub fn with_expiries(
        self,
        before: &Document,
        after: &Document,
        set: &[(Principal, Expiry)],
    ) -> Self {
        if self.unreadable.is_some() || (self.expiries.is_empty() && set.is_empty()) {
            return self;
        }
        // The last entry of a key is the one in force.
        let digests = |document| -> HashMap<KeyDigest, Digest> {
            let digests = entries(document).map(|(section, entry)| of_entry(section, entry));
            digests.map(|digest| (digest.key(), digest)).collect()
        };
        let (before, after) = (digests(before), digests(after));
        let mut next = self;
        next.expiries.retain(|key, (recorded, _)| {
            let Some(now) = after.get(key) else {
                return false;
            };
            if before.get(key) == Some(recorded) {
                *recorded = *now;
            }
            true
        });
        for (principal, expiry) in set {
            let key = key_digest(principal.section(), &store_key(principal));
            match (expiry, after.get(&key)) {
                (Expiry::At(at), Some(digest)) => {
                    next.expiries.insert(key, (*digest, *at));
                }
                (Expiry::Never, _) | (_, None) => {
                    next.expiries.remove(&key);
                }
            }
        }
        next
    }

    /// Returns the times as a member of the annotation's JSON; `None` if there are none.
    pub(super) fn encoded_expiries(&self) -> Option<(String, Value)> {
        let times = self.expiries.values();
        let times: serde_json::Map<_, _> = times
            .map(|(digest, at)| (digest.encode(), at.to_string().into()))
            .collect();
        (!times.is_empty()).then(|| (EXPIRES.to_owned(), times.into()))
    }
}

pub(super) fn decoded(
    texts: BTreeMap<String, String>,
) -> Result<BTreeMap<KeyDigest, (Digest, Timestamp)>, String> {
    let mut expiries = BTreeMap::new();
    for (text, at) in texts {
        let digest = Digest::decode(&text)
            .ok_or_else(|| format!("`{text}` is not the digest of an entry"))?;
        let at = at.parse().map_err(|_| format!("`{at}` is not a time"))?;
        if expiries.insert(digest.key(), (digest, at)).is_some() {
            return Err("one entry has two times".to_owned());
        }
    }
    Ok(expiries)
}
