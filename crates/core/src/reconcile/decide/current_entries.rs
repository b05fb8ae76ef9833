//! The current entries in aws-auth, and which objects recorded them as theirs.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::super::decision::Input;
use super::super::mapping_object::EntryRecord;
use super::desired_entry::Key;
use crate::arn::{fold, to_lower};
use crate::document::edit::why_not_changed;
use crate::document::{Document, Entry, Mapping, SectionName, Status};

/// The entries of a document, by the value that the authenticator compares.
pub(super) struct CurrentEntries<'d> {
    pub(super) document: &'d Document,
    entries: HashMap<Key, Vec<&'d Entry>>,
}

/// The entries of one key; never empty.
pub(super) struct Entries<'s, 'd> {
    all: &'s [&'d Entry],
    section: SectionName,
}

impl<'d> CurrentEntries<'d> {
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

    /// Returns the content of each entry, in any order. Omits entries whose effective spellings differ.
    pub(super) fn contents(&self) -> impl Iterator<Item = EntryRecord> {
        self.entries
            .keys()
            .filter_map(|key| self.get(key)?.content())
    }

    /// Returns the entries that the authenticator uses; `None` if there are none.
    pub(super) fn get(&self, key: &Key) -> Option<Entries<'_, 'd>> {
        let all = self.entries.get(key)?;
        let section = key.0;
        let found = Entries { all, section };
        let is_kept = found.first().is_some();
        is_kept.then_some(found)
    }
}

impl<'d> Entries<'_, 'd> {
    /// Returns the effective entries: the last one of a role or account, the last one of each spelling of a user.
    pub(super) fn in_force(&self) -> impl Iterator<Item = &'d Mapping> + use<'d> {
        self.effective().into_iter().filter_map(Entry::mapping)
    }

    fn effective(&self) -> Vec<&'d Entry> {
        let mut seen = HashSet::new();
        let mut effective: Vec<&'d Entry> = Vec::new();
        for entry in self.all.iter().rev() {
            let stored = entry.mapping().map(|mapping| match self.section {
                SectionName::Roles => to_lower(mapping.principal.text()),
                SectionName::Users | SectionName::Accounts => mapping.principal.text().into(),
            });
            if stored.is_some_and(|stored| seen.insert(stored)) {
                effective.push(entry);
            }
        }
        effective.reverse();
        effective
    }

    /// Returns whether all effective entries have this content.
    pub(super) fn all_match(&self, recorded: &EntryRecord) -> bool {
        self.in_force()
            .all(|mapping| recorded.matches_mapping(mapping))
    }

    /// Returns their content, if all effective entries have the same.
    pub(super) fn content(&self) -> Option<EntryRecord> {
        let content = EntryRecord::of(self.section, self.first()?);
        self.all_match(&content).then_some(content)
    }

    /// Returns whether there is exactly one entry, with this content.
    pub(super) fn are_exactly(&self, recorded: &EntryRecord) -> bool {
        self.all.len() == 1 && self.all_match(recorded)
    }

    /// Returns the first effective entry.
    pub(super) fn first(&self) -> Option<&'d Mapping> {
        self.in_force().next()
    }

    /// Returns why the entries cannot be changed; `None` if they can.
    pub(super) fn why_not_changed(&self, document: &Document) -> Option<&'static str> {
        let section = document.section(self.section);
        let mut effective = self.effective().into_iter();
        effective.find_map(|entry| why_not_changed(section, entry))
    }
}

/// The entries that objects recorded in their status and own according to the ownership record.
pub(super) struct Records<'a> {
    written: HashMap<Key, Vec<usize>>,
    pending: HashMap<Key, Vec<(usize, Cow<'a, EntryRecord>)>>,
}

impl<'a> Records<'a> {
    pub(super) fn of(input: &Input<'a>) -> Self {
        let mut records = Self {
            written: HashMap::new(),
            pending: HashMap::new(),
        };
        for (at, object) in input.objects.iter().enumerate() {
            let is_proven = |recorded: &&EntryRecord| input.record.proves(&object.uid, recorded);
            if let Some(recorded) = object.status.entry.as_ref().filter(is_proven) {
                records.written.entry(recorded.key()).or_default().push(at);
            }
            for recorded in object.status.pending.iter().filter(is_proven) {
                let of_key = records.pending.entry(recorded.key()).or_default();
                of_key.push((at, Cow::Borrowed(recorded)));
            }
        }
        records
    }

    /// Adds an entry that an object owns according to the ownership record, even if its status no longer names it.
    pub(super) fn add_pending(&mut self, at: usize, entry: EntryRecord) {
        let of_key = self.pending.entry(entry.key()).or_default();
        of_key.push((at, Cow::Owned(entry)));
    }

    /// Returns whether an object wrote the current entry: it recorded the entry, or the entry matches a pending record.
    pub(super) fn has_writer(&self, key: &Key, entries: &Entries<'_, '_>) -> bool {
        let pending = self.pending.get(key).into_iter().flatten();
        self.written.contains_key(key)
            || pending
                .into_iter()
                .any(|(_, recorded)| entries.all_match(recorded))
    }

    /// Returns whether any object recorded an entry with this key.
    pub(super) fn contains(&self, key: &Key) -> bool {
        self.written.contains_key(key) || self.pending.contains_key(key)
    }

    /// Returns whether this object wrote the current entry, as defined by [`has_writer`](Self::has_writer).
    pub(super) fn belongs_to(&self, at: usize, key: &Key, entries: &Entries<'_, '_>) -> bool {
        let written = self.written.get(key).is_some_and(|of| of.contains(&at));
        let pending = self.pending.get(key).into_iter().flatten();
        written
            || pending
                .into_iter()
                .any(|(of, recorded)| *of == at && entries.all_match(recorded))
    }
}
