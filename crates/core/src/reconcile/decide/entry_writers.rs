//! Who changed an entry of aws-auth.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::super::decision::{AwsAuthWriter, Input, Memory};
use super::super::mapping_object::EntryRecord;
use super::conflict_backoff::memory_key;
use super::desired_entry::Key;
use crate::authenticator::{EntryState, Store};
use crate::aws_auth_snapshot::Snapshot;
use crate::document::Document;

/// The number of entries whose writers are remembered at most: a ConfigMap cannot have many more.
const MAX_ENTRIES: usize = 20_000;

impl fmt::Display for AwsAuthWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.manager, &self.user) {
            (Some(manager), Some(user)) => write!(f, "field manager {manager} (user {user})"),
            (Some(manager), None) => write!(f, "field manager {manager}"),
            (None, _) => f.write_str("another client"),
        }
    }
}

/// Returns the client that changed or removed an entry; if that is not known, the last writer of its section.
pub(super) fn of<'a>(input: &Input<'a>, key: &Key) -> &'a AwsAuthWriter {
    let known = input.memory.changed_by.get(&memory_key(key));
    known.unwrap_or(&input.last_writers[key.0 as usize])
}

/// Returns the known writers of these entries.
pub(super) fn only(
    memory: &Memory,
    keys: impl Iterator<Item = Key>,
) -> BTreeMap<String, AwsAuthWriter> {
    if memory.changed_by.is_empty() {
        return BTreeMap::new();
    }
    let keys: HashSet<String> = keys.map(|key| memory_key(&key)).collect();
    let known = memory.changed_by.iter();
    let known = known.filter(|(key, _)| keys.contains(*key));
    known
        .map(|(key, writer)| (key.clone(), writer.clone()))
        .collect()
}

impl Memory {
    /// Remembers who changed or removed which entries between two states of aws-auth. `writers` of the sections are `None` for the controller
    /// itself.
    pub fn observe_change(
        &mut self,
        before: &Snapshot,
        after: &Snapshot,
        writers: Option<&[AwsAuthWriter; 3]>,
    ) {
        if before.data == after.data {
            return;
        }
        let (before, after) = (entries(before), entries(after));
        let is_new = |(key, entry): &(&String, &EntryRecord)| before.get(*key) != Some(*entry);
        let new = after.iter().filter(is_new);
        let removed = before.iter().filter(|(key, _)| !after.contains_key(*key));
        for (key, entry) in new.chain(removed) {
            match writers.map(|writers| &writers[entry.section as usize]) {
                Some(writer) if self.changed_by.len() < MAX_ENTRIES => {
                    self.changed_by.insert(key.clone(), writer.clone());
                }
                _ => {
                    self.changed_by.remove(key);
                }
            }
        }
    }
}

/// Returns the entries in force, by their keys in the memory.
fn entries(stored: &Snapshot) -> HashMap<String, EntryRecord> {
    let document = Document::read(&stored.data);
    let store = Store::new(&document);
    let in_force = store.slots().iter();
    let in_force = in_force.filter(|slot| slot.state == EntryState::Effective);
    in_force
        .map(|slot| {
            let entry = EntryRecord::of(slot.place.section, slot.mapping);
            (memory_key(&entry.key()), entry)
        })
        .collect()
}
