//! What stands in aws-auth, and which of it is whose.

use std::collections::{HashMap, HashSet};

use super::super::object::{Object, Recorded};
use super::wish::Key;
use crate::arn::{fold, to_lower};
use crate::document::edit::why_not_changed;
use crate::document::{Document, Entry, Mapping, SectionName, Status};

/// The entries of a document by what the authenticator compares.
pub(super) struct Stands<'d> {
    pub(super) document: &'d Document,
    entries: HashMap<Key, Vec<&'d Entry>>,
}

/// The entries of one key. There is one at least.
pub(super) struct Entries<'s, 'd> {
    all: &'s [&'d Entry],
    section: SectionName,
}

impl<'d> Stands<'d> {
    pub(super) fn of(document: &'d Document) -> Self {
        let mut entries: HashMap<Key, Vec<&Entry>> = HashMap::new();
        for section in document.sections() {
            for entry in section.entries() {
                let (Status::Kept(mapping) | Status::Dropped { mapping, .. }) = &entry.status;
                let key = fold(mapping.principal.text()).into_owned();
                entries
                    .entry((section.name(), key))
                    .or_default()
                    .push(entry);
            }
        }
        Self { document, entries }
    }

    /// Those that the authenticator keeps; `None` when there is none of them.
    pub(super) fn get(&self, key: &Key) -> Option<Entries<'_, 'd>> {
        let all = self.entries.get(key)?;
        let section = key.0;
        let found = Entries { all, section };
        let is_kept = found.first().is_some();
        is_kept.then_some(found)
    }
}

impl<'d> Entries<'_, 'd> {
    /// Those that decide: the last of a role or account, the last of each spelling of a user.
    pub(super) fn in_force(&self) -> impl Iterator<Item = &'d Mapping> + use<'d> {
        self.deciding().into_iter().filter_map(Entry::mapping)
    }

    fn deciding(&self) -> Vec<&'d Entry> {
        let mut seen = HashSet::new();
        let mut deciding: Vec<&'d Entry> = Vec::new();
        for entry in self.all.iter().rev() {
            let stored = entry.mapping().map(|mapping| match self.section {
                SectionName::Roles => to_lower(mapping.principal.text()),
                SectionName::Users | SectionName::Accounts => mapping.principal.text().into(),
            });
            if stored.is_some_and(|stored| seen.insert(stored)) {
                deciding.push(entry);
            }
        }
        deciding.reverse();
        deciding
    }

    /// Whether all that decide say this.
    pub(super) fn say(&self, recorded: &Recorded) -> bool {
        self.in_force().all(|mapping| recorded.is_said_by(mapping))
    }

    /// Whether there is but one, and it says this.
    pub(super) fn are_just(&self, recorded: &Recorded) -> bool {
        self.all.len() == 1 && self.say(recorded)
    }

    /// The first that decides.
    pub(super) fn first(&self) -> Option<&'d Mapping> {
        self.in_force().next()
    }

    /// Why they can't be changed; `None` where they can.
    pub(super) fn why_not_changed(&self, document: &Document) -> Option<&'static str> {
        let section = document.section(self.section);
        let mut deciding = self.deciding().into_iter();
        deciding.find_map(|entry| why_not_changed(section, entry))
    }
}

/// Which entries objects have recorded as theirs.
pub(super) struct Records<'a> {
    written: HashMap<Key, Vec<usize>>,
    pending: HashMap<Key, Vec<(usize, &'a Recorded)>>,
}

impl<'a> Records<'a> {
    pub(super) fn of(objects: &'a [Object]) -> Self {
        let mut records = Self {
            written: HashMap::new(),
            pending: HashMap::new(),
        };
        for (at, object) in objects.iter().enumerate() {
            if let Some(recorded) = &object.status.entry {
                records.written.entry(recorded.key()).or_default().push(at);
            }
            for recorded in &object.status.pending {
                let of_key = records.pending.entry(recorded.key()).or_default();
                of_key.push((at, recorded));
            }
        }
        records
    }

    /// Whether an object has written what stands there: it was, or it reads just as it was about to be.
    pub(super) fn cover(&self, key: &Key, entries: &Entries<'_, '_>) -> bool {
        let pending = self.pending.get(key).into_iter().flatten();
        self.written.contains_key(key)
            || pending
                .into_iter()
                .any(|(_, recorded)| entries.say(recorded))
    }

    /// Whether any object speaks of this entry.
    pub(super) fn name(&self, key: &Key) -> bool {
        self.written.contains_key(key) || self.pending.contains_key(key)
    }

    /// Whether this object has written it, as [`cover`](Self::cover) says.
    pub(super) fn has(&self, at: usize, key: &Key, entries: &Entries<'_, '_>) -> bool {
        let written = self.written.get(key).is_some_and(|of| of.contains(&at));
        let pending = self.pending.get(key).into_iter().flatten();
        written
            || pending
                .into_iter()
                .any(|(of, recorded)| *of == at && entries.say(recorded))
    }
}
