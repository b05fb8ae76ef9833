use std::collections::{HashMap, HashSet};

use super::{Case, Guard, Said};
use crate::arn::{can_match, fold};
use crate::document::edit::Outcome;
use crate::document::{Document, Principal, SectionName};
use crate::effect::{Place, Standing, Store};

/// So many may go without a word.
const FEW: usize = 3;
/// So many are named.
const SHOWN: usize = 5;

/// Refuses to remove many mappings that nobody named one by one.
pub(super) fn check(case: &Case<'_>, said: &mut Said) {
    let edits = case.outcomes.iter().skip(case.request.edits.len());
    let is_pruned = edits.count() > 0;
    if case.request.kept.is_none() && !is_pruned {
        return;
    }
    let before = mapped(case.before);
    let after = mapped(case.after);
    let named = named(case);
    let mut lost: Vec<&Mapped<'_>> = before
        .iter()
        .filter(|(key, mapped)| {
            let place = mapped.place;
            !after.contains_key(*key) && !named.contains(&(place.section, place.line))
        })
        .map(|(_, mapped)| mapped)
        .collect();
    let count = lost.len();
    let left: HashSet<SectionName> = after.values().map(|mapped| mapped.place.section).collect();
    let is_emptied = lost
        .iter()
        .any(|mapped| !left.contains(&mapped.place.section));
    let is_mass = count > FEW || (count >= 2 && (count * 3 >= before.len() || is_emptied));
    let allowed = case.request.allow.removals;
    if !is_mass || allowed == Some(count) {
        return;
    }
    lost.sort_by_key(|mapped| (mapped.place.section as usize, mapped.place.index));
    let mut names: Vec<String> = lost
        .iter()
        .take(SHOWN)
        .map(|mapped| mapped.principal.text().to_owned())
        .collect();
    if let Some(more @ 1..) = count.checked_sub(SHOWN) {
        names.push(format!("and {more} more"));
    }
    let but = allowed.map_or_else(String::new, |allowed| format!(", not {allowed}"));
    let message = format!(
        "{count} of {} mappings would be removed{but}: {}",
        before.len(),
        names.join(", ")
    );
    said.refuse(
        Guard::MassRemoval,
        message,
        format!("--allow-removals {count}"),
    );
}

/// Where the entries stand that somebody asked to remove by name.
fn named(case: &Case<'_>) -> HashSet<(SectionName, usize)> {
    let asked = case.outcomes.iter().take(case.request.edits.len());
    let removed = asked.filter_map(|(edit, outcome)| match outcome {
        Outcome::Removed { lines } => Some((edit.principal().section(), lines)),
        _ => None,
    });
    removed
        .flat_map(|(section, lines)| lines.iter().map(move |&line| (section, line)))
        .collect()
}

/// Whom an entry in force maps.
struct Mapped<'d> {
    principal: &'d Principal,
    place: Place,
}

/// Whom a document maps, each by what the authenticator compares; an ARN that nobody can have maps nobody.
fn mapped(document: &Document) -> HashMap<String, Mapped<'_>> {
    let store = Store::new(document);
    let slots = store.slots().iter();
    slots
        .filter(|slot| slot.standing == Standing::Effective)
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
