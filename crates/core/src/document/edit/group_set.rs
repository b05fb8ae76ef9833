//! A set of groups in insertion order.

use std::collections::{HashMap, HashSet};

use super::edit_and_outcome::Groups;

/// A set of groups in insertion order. A change takes time proportional to its own size, not to the size of
/// the set.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupSet {
    numbers: HashMap<String, usize>,
    next: usize,
}

impl GroupSet {
    pub(super) fn new(groups: &[String]) -> Self {
        let mut set = Self::default();
        groups.iter().for_each(|group| set.insert(group));
        set
    }

    fn insert(&mut self, group: &str) {
        if !self.numbers.contains_key(group) {
            self.numbers.insert(group.to_owned(), self.next);
            self.next += 1;
        }
    }

    /// Applies a change, and reports whether it made a difference.
    pub(super) fn apply(&mut self, groups: &Groups) -> bool {
        match groups {
            Groups::Keep => false,
            Groups::Set(groups) => {
                let requested = Self::new(groups);
                let is_same = requested.numbers.len() == self.numbers.len()
                    && groups.iter().all(|group| self.numbers.contains_key(group));
                if !is_same {
                    *self = requested;
                }
                !is_same
            }
            Groups::Adjust { add, remove } => {
                let remove: HashSet<&String> = remove.iter().collect();
                let before = self.next;
                let removed = remove
                    .iter()
                    .filter(|group| self.numbers.remove(**group).is_some())
                    .count();
                for group in add.iter().filter(|group| !remove.contains(group)) {
                    self.insert(group);
                }
                removed > 0 || self.next > before
            }
        }
    }

    /// Renames a group, and reports whether that made a difference.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> bool {
        if from == to {
            return false;
        }
        let Some(number) = self.numbers.remove(from) else {
            return false;
        };
        self.numbers.entry(to.to_owned()).or_insert(number);
        true
    }

    /// Returns the groups in order.
    pub(super) fn to_vec(&self) -> Vec<String> {
        let mut groups: Vec<_> = self.numbers.iter().collect();
        groups.sort_unstable_by_key(|(_, number)| **number);
        groups.into_iter().map(|(group, _)| group.clone()).collect()
    }
}
