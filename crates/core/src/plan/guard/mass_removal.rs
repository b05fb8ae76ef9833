//! Refuses to remove many mappings that were not named one by one.

use std::collections::{HashMap, HashSet};

use super::{Case, Guard, Verdict};
use crate::arn::{can_match, fold};
use crate::authenticator::{AccessEntries, EntryState, Place, Store};
use crate::document::edit::Outcome;
use crate::document::{Principal, SectionName};

/// The number of removals above which the plan is always refused.
const FEW: usize = 3;
/// The number of principals that the message names.
const SHOWN: usize = 5;

/// Refuses to remove many mappings by pruning, conditions, undo or restore.
pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let edits = case.outcomes.iter().skip(case.request.edits.len());
    let is_pruned = edits.count() > 0;
    let pruned_entries = &case.request.pruned_entries;
    let names_all = !case.request.is_selection && !is_pruned && pruned_entries.is_empty();
    if case.request.contents.is_none() && names_all {
        return;
    }
    let before = mapped(&case.before.store);
    let after = mapped(&case.after.store);
    let named = named(case);
    let has_entry = |principal: &Principal| match principal {
        Principal::Role(arn) | Principal::User(arn) => {
            let entries = case.after.entries;
            entries.is_some_and(|entries| entries.of(arn).is_some())
        }
        Principal::Sso(_) | Principal::Account(_) => false,
    };
    let mut lost: Vec<&Mapped<'_>> = before
        .iter()
        .filter(|(key, mapped)| {
            let place = mapped.place;
            !after.contains_key(*key)
                && !named.contains(&(place.section, place.line))
                && !has_entry(mapped.principal)
        })
        .map(|(_, mapped)| mapped)
        .collect();
    // A principal counts once, even if both stores have it.
    let is_only_entry = |arn: &str| !lost.iter().any(|mapped| key(mapped.principal) == fold(arn));
    let pruned_entries: Vec<&String> = pruned_entries
        .iter()
        .filter(|arn| is_only_entry(arn))
        .collect();
    let count = lost.len() + pruned_entries.len();
    let entries = case.before.entries.and_then(AccessEntries::all);
    let entries = entries.filter(|_| !case.request.pruned_entries.is_empty());
    let only_entries = entries.into_iter().flatten();
    let only_entries =
        only_entries.filter(|entry| !before.contains_key(&*fold(&entry.principal_arn)));
    let all = before.len() + only_entries.count();
    let left: HashSet<SectionName> = after.values().map(|mapped| mapped.place.section).collect();
    let is_emptied = lost
        .iter()
        .any(|mapped| !left.contains(&mapped.place.section));
    let is_mass = count > FEW || (count >= 2 && (count * 3 >= all || is_emptied));
    let allowed = case.request.allow.removals;
    if !is_mass || allowed == Some(count) {
        return;
    }
    lost.sort_by_key(|mapped| (mapped.place.section as usize, mapped.place.index));
    let mut names: Vec<String> = lost
        .iter()
        .take(SHOWN)
        .map(|mapped| mapped.principal.text().to_owned())
        .chain(pruned_entries.into_iter().cloned())
        .take(SHOWN)
        .collect();
    if let Some(more @ 1..) = count.checked_sub(SHOWN) {
        names.push(format!("and {more} more"));
    }
    let but = allowed.map_or_else(String::new, |allowed| format!(", not {allowed}"));
    let message = format!(
        "{count} of {all} mappings would be removed{but}: {}",
        names.join(", ")
    );
    verdict.refuse(
        Guard::MassRemoval,
        message,
        format!("--allow-removals {count}"),
    );
}

/// Returns the positions of the entries that the request removes by name.
fn named(case: &Case<'_>) -> HashSet<(SectionName, usize)> {
    let requested = match case.request.is_selection {
        true => 0,
        false => case.request.edits.len(),
    };
    let requested = case.outcomes.iter().take(requested);
    let removed = requested.filter_map(|(edit, outcome)| match outcome {
        Outcome::Removed { lines } => Some((edit.principal().section(), lines)),
        _ => None,
    });
    removed
        .flat_map(|(section, lines)| lines.iter().map(move |&line| (section, line)))
        .collect()
}

/// An entry in force.
struct Mapped<'d> {
    principal: &'d Principal,
    place: Place,
}

/// Returns the entries in force by the key that the authenticator compares, without ARNs that no identity can have.
fn mapped<'d>(store: &Store<'d>) -> HashMap<String, Mapped<'d>> {
    let slots = store.slots().iter();
    slots
        .filter(|slot| slot.state == EntryState::Effective)
        .filter(|slot| match &slot.mapping.principal {
            Principal::Role(arn) | Principal::User(arn) => can_match(arn),
            Principal::Sso(_) | Principal::Account(_) => true,
        })
        .map(|slot| {
            let (principal, place) = (&slot.mapping.principal, slot.place);
            (key(principal), Mapped { principal, place })
        })
        .collect()
}

fn key(principal: &Principal) -> String {
    match principal {
        Principal::Sso(sso) => format!("{}@{}", sso.permission_set_name, sso.account_id),
        other => fold(other.text()).into_owned(),
    }
}
