//! D: entries for the same principal.

pub(super) mod access_entry_shadows;
pub(super) mod conflicting_duplicate;
pub(super) mod identical_duplicate;
pub(super) mod path_twin;
pub(super) mod role_list_shadows_user_list;
pub(super) mod user_case_twins;

use std::collections::BTreeSet;

use crate::document::Mapping;
use crate::effect::Standing;
use crate::lint::context::{Context, Written};

/// The entries that a later one of the same section replaces, each with that one.
fn replaced<'c, 'a>(
    context: &'c Context<'a>,
) -> impl Iterator<Item = (&'c Written<'a>, &'c Written<'a>)> {
    context.entries().iter().filter_map(|written| {
        let Standing::Shadowed { by } = written.standing else {
            return None;
        };
        (by.section == written.section).then(|| Some((written, context.at(by)?)))?
    })
}

/// Whether two mappings make the same user of everybody.
fn says_the_same(a: &Mapping, b: &Mapping) -> bool {
    let groups = |mapping: &'_ Mapping| mapping.groups().iter().cloned().collect::<BTreeSet<_>>();
    a.username == b.username && (a.groups() == b.groups() || groups(a) == groups(b))
}
