//! The property that a lookup finds every mapped principal.

use std::collections::BTreeSet;

use awsauth_core::arn::Identity;
use awsauth_core::authenticator::{EntryState, Options, Place, Store};
use awsauth_core::document::edit::Groups;
use awsauth_core::document::{Document, Principal};

use super::principal_identity::identity;
use super::{Broken, holds};

/// Checks that a lookup finds the principal with exactly the requested username and groups.
pub(super) fn is_mapped(
    before: &Document,
    after: &Document,
    principal: &Principal,
    username: Option<&str>,
    groups: &Groups,
) -> Result<(), Broken> {
    let arn = match principal {
        Principal::Role(arn) | Principal::User(arn) => arn,
        Principal::Account(_) | Principal::Sso(_) => {
            let store = Store::new(after);
            let mut slots = store.section(principal.section());
            // The authenticator drops an explicit partition: such entries replace each other and never match.
            let has_partition =
                matches!(principal, Principal::Sso(sso) if !sso.partition.is_empty());
            let is_there = slots.any(|slot| {
                (has_partition || slot.state == EntryState::Effective)
                    && identity(&slot.mapping.principal) == identity(principal)
            });
            return holds(is_there, || format!("{principal:?} is not in force"));
        }
    };
    let (was, is) = (in_force(before, arn), in_force(after, arn));
    let is: Vec<_> = (is.into_iter())
        .filter(|place| place.section == principal.section())
        .collect();
    holds(!is.is_empty(), || format!("{arn} is not found"))?;
    for place in is {
        let entry = |document: &Document| {
            document.section(place.section).entries()[place.index]
                .mapping()
                .cloned()
        };
        let is_old = |was: &Place| (was.section, was.index) == (place.section, place.index);
        let then = was.iter().any(is_old).then(|| entry(before)).flatten();
        let Some(now) = entry(after) else {
            return Err(format!("{arn} is found in an entry that is dropped"));
        };
        let old: BTreeSet<&String> = then.iter().flat_map(|then| then.groups()).collect();
        let wanted: BTreeSet<&String> = match groups {
            Groups::Keep => old,
            Groups::Set(groups) => groups.iter().collect(),
            Groups::Adjust { add, remove } => {
                let remove: BTreeSet<_> = remove.iter().collect();
                let with = old.into_iter().chain(add);
                with.filter(|group| !remove.contains(group)).collect()
            }
        };
        let name = username.or(then.as_ref().map(|then| then.username.as_str()));
        let has: BTreeSet<&String> = now.groups().iter().collect();
        holds(Some(now.username.as_str()) == name && has == wanted, || {
            format!("{arn} should be {name:?} in {wanted:?}, is {now:?}")
        })?;
    }
    Ok(())
}

fn in_force(document: &Document, arn: &str) -> Vec<Place> {
    let identity = Identity {
        canonical_arn: arn.to_owned(),
        account: String::new(),
        user_id: String::new(),
        session_name: String::new(),
        access_key_id: String::new(),
    };
    let verdict = Store::new(document).lookup(&identity, &Options::default());
    let places = verdict.candidates.into_iter().map(|found| found.place);
    places.collect()
}
