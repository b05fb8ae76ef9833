//! Who may do everything in the cluster.

use super::super::facts::{Admins, Known};
use super::Case;
use super::caller::Standing;
use crate::arn::{Parts, can_match};
use crate::document::Document;
use crate::effect::{Placeholder, Store, User, is_node};
use crate::facts::groups::MASTERS;
use crate::lint::lacks_suffix;

/// The first of the user's names that makes it an administrator, and how, as far as that is known.
pub(super) fn why(user: &User, admins: &Known<Admins>) -> Option<String> {
    if user.groups.iter().any(|group| group == MASTERS) {
        return Some(format!("by group {MASTERS}"));
    }
    let Known::Is(admins) = admins else {
        return None;
    };
    let mut groups = user.groups.iter();
    match groups.find(|group| admins.groups.contains(*group)) {
        Some(group) => Some(format!("by group {group}, which is bound to cluster-admin")),
        None => admins.users.contains(&user.username).then(|| {
            format!(
                "by username {}, which is bound to cluster-admin",
                user.username
            )
        }),
    }
}

/// The ARNs that a document makes administrators.
pub(super) fn of(document: &Document, case: &Case<'_>) -> Vec<String> {
    let store = Store::new(document);
    all(&store, case).map(str::to_owned).collect()
}

/// Whether there is one.
pub(super) fn has_any(document: &Document, case: &Case<'_>) -> bool {
    all(&Store::new(document), case).next().is_some()
}

fn all<'d>(store: &Store<'d>, case: &Case<'_>) -> impl Iterator<Item = &'d str> {
    let entries = case.request.access_entries.as_deref();
    let admins = &case.request.facts.admins;
    store
        .in_force()
        .filter(|(_, slot)| why(&User::from(slot.mapping), admins).is_some())
        .filter(|(_, slot)| !is_node(slot.mapping) && !is_for_instances(&User::from(slot.mapping)))
        .filter(|(arn, _)| can_match(arn) && !is_cut(arn))
        .filter(move |(arn, _)| entries.is_none_or(|entries| entries.hide(arn).is_none()))
        .map(|(arn, _)| arn)
}

/// Whether only instances are let in, by their names: everybody else's login is refused.
fn is_for_instances(user: &User) -> bool {
    let name = Placeholder::Ec2PrivateDnsName.text();
    user.username.contains(name) || user.groups.iter().any(|group| group.contains(name))
}

/// Whether it is a role of Identity Center's whose name is not whole: there is no such role.
fn is_cut(arn: &str) -> bool {
    Parts::of(arn).is_some_and(|parts| parts.is("iam", "role") && lacks_suffix(parts.name))
}

/// Whether whoever carries the plan out is one whom aws-auth has nothing to do with.
pub(super) fn is_caller(case: &Case<'_>) -> bool {
    let facts = &case.request.facts;
    match (&case.caller, &facts.caller) {
        (Standing::ByOtherWay, Known::Is(caller)) => why(&caller.user, &facts.admins).is_some(),
        _ => false,
    }
}
