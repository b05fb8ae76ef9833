//! A set of groups, in the order that they came in.

use std::collections::{HashMap, HashSet};

use crate::document::edit::Groups;

/// Takes time in proportion to what is changed, not to what is there.
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

    /// Does what is asked, and says whether that made a difference.
    pub(super) fn apply(&mut self, groups: &Groups) -> bool {
        match groups {
            Groups::Keep => false,
            Groups::Set(groups) => {
                let wanted = Self::new(groups);
                let is_same = wanted.numbers.len() == self.numbers.len()
                    && groups.iter().all(|group| self.numbers.contains_key(group));
                if !is_same {
                    *self = wanted;
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

    /// The groups in their order.
    pub(super) fn to_vec(&self) -> Vec<String> {
        let mut groups: Vec<_> = self.numbers.iter().collect();
        groups.sort_unstable_by_key(|(_, number)| **number);
        groups.into_iter().map(|(group, _)| group.clone()).collect()
    }
}
