//! Comparing entries for the same principal.

use std::collections::{BTreeSet, HashMap};

use super::context::Context;
use super::resolved_entry::ResolvedEntry;
use crate::authenticator::EntryState;
use crate::document::SectionName;

/// Returns the entries that a later entry of the same section replaces, each with that entry.
pub(super) fn replaced_entries<'c, 'a>(
    context: &'c Context<'a>,
) -> impl Iterator<Item = (&'c ResolvedEntry<'a>, &'c ResolvedEntry<'a>)> {
    context.entries().iter().filter_map(|entry| {
        let EntryState::Shadowed { by } = entry.state else {
            return None;
        };
        (by.section == entry.section).then(|| Some((entry, context.entry_at(by)?)))?
    })
}

/// Compares what entries give their principals. Remembers the groups of each entry, because one entry can replace many.
#[derive(Default)]
pub(super) struct EffectComparison<'a> {
    groups: HashMap<(SectionName, usize), BTreeSet<&'a str>>,
}

impl<'a> EffectComparison<'a> {
    /// Returns whether two entries have the same username and the same groups in any order.
    pub(super) fn is_same(&mut self, one: &ResolvedEntry<'a>, other: &ResolvedEntry<'a>) -> bool {
        let [a, b] = [one, other].map(|entry| entry.mapping);
        if a.username != b.username || a.groups() == b.groups() {
            return a.username == b.username;
        }
        let [a, b] = [one, other].map(|entry| {
            let place = (entry.section, entry.index);
            let groups = || entry.groups().map(|(_, group)| group).collect();
            self.groups.entry(place).or_insert_with(groups);
            place
        });
        self.groups[&a] == self.groups[&b]
    }
}
