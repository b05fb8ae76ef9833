//! Comparing entries for the same principal.

use std::collections::BTreeSet;

use super::context::Context;
use super::resolved_entry::ResolvedEntry;
use crate::authenticator::EntryState;
use crate::document::Mapping;

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

/// Returns whether two mappings have the same username and the same groups in any order.
pub(super) fn has_same_effect(a: &Mapping, b: &Mapping) -> bool {
    let groups = |mapping: &'_ Mapping| mapping.groups().iter().cloned().collect::<BTreeSet<_>>();
    a.username == b.username && (a.groups() == b.groups() || groups(a) == groups(b))
}
