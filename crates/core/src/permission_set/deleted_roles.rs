//! Deleted roles of a permission set, whose entries are replaced when the set's new role is mapped.

use super::role_name::permission_set;
use crate::arn::{Parts, comparable, equal_fold, is_same_principal};
use crate::authenticator::{AccessEntries, EntryState, Store};
use crate::document::edit::{Edit, Groups};
use crate::document::{Document, Mapping, Principal};
use crate::facts::access_entries::AccessEntry;

/// Completes edits that map one of these roles of permission sets: removes the entries of deleted roles of the same set and
/// account. What the edits leave open of the username and the groups is that of the removed entry.
pub fn with_siblings_replaced(
    edits: Vec<Edit>,
    roles: &[Principal],
    document: &Document,
) -> Vec<Edit> {
    edits
        .into_iter()
        .flat_map(|edit| match edit {
            Edit::Map {
                principal,
                username,
                groups,
            } if roles.contains(&principal) => {
                replace_siblings(principal, username, groups, document)
            }
            edit => vec![edit],
        })
        .collect()
}

fn replace_siblings(
    principal: Principal,
    username: Option<String>,
    groups: Groups,
    document: &Document,
) -> Vec<Edit> {
    let arn = principal.text();
    let store = Store::new(document);
    let slots = store.slots().iter();
    let mapped = slots.filter_map(|slot| match &slot.mapping.principal {
        Principal::Role(arn) => Some((arn, slot)),
        _ => None,
    });
    let (own, others): (Vec<_>, Vec<_>) =
        mapped.partition(|(other, _)| equal_fold(&comparable(other), arn));
    let is_effective = |state| state == EntryState::Effective;
    let is_mapped = own.iter().any(|(_, slot)| is_effective(slot.state));
    let mut removed: Vec<&str> = Vec::new();
    let mut previous: Option<&Mapping> = None;
    for (other, slot) in others {
        if !is_sibling(other, arn) {
            continue;
        }
        if !removed.contains(&other.as_str()) {
            removed.push(other);
        }
        if is_effective(slot.state) {
            previous = Some(slot.mapping);
        }
    }
    let previous = previous.filter(|_| !is_mapped);
    let map = Edit::Map {
        principal,
        username: username.or_else(|| Some(previous?.username.clone())),
        groups: match previous {
            Some(previous) => Groups::Set(groups.after(previous.groups())),
            None => groups,
        },
    };
    let removals = removed.into_iter().map(|arn| Edit::Unmap {
        principal: Principal::Role(arn.to_owned()),
        only_line: None,
    });
    removals.chain([map]).collect()
}

/// Returns the access entries of deleted roles of the permission set and account of this role, the newest last.
pub fn deleted_entries<'a>(arn: &str, entries: &'a AccessEntries) -> Vec<&'a AccessEntry> {
    let all = entries.all().unwrap_or_default().iter();
    let deleted = all.filter(|entry| is_deleted_sibling(&entry.principal_arn, arn));
    let mut deleted: Vec<&AccessEntry> = deleted.collect();
    deleted.sort_by_key(|entry| entry.terms.as_ref().and_then(|terms| terms.created_at));
    deleted
}

/// Returns whether an ARN is of another role of the permission set and account of this role. A set has one role in an account, so
/// that the other one no longer exists.
pub fn is_deleted_sibling(other: &str, arn: &str) -> bool {
    is_sibling(other, arn) && !is_same_principal(other, arn)
}

/// Returns whether two ARNs are of roles of the same permission set in the same account.
fn is_sibling(one: &str, other: &str) -> bool {
    account_and_set(one).is_some_and(|one| account_and_set(other) == Some(one))
}

/// Returns the account and the folded name of the permission set of a role; `None` for other principals.
pub(crate) fn account_and_set(arn: &str) -> Option<(&str, String)> {
    let role = Parts::of(arn).filter(|parts| parts.is("iam", "role"))?;
    Some((
        role.account,
        permission_set(role.name)?.to_ascii_lowercase(),
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const A: &str = "arn:aws:iam::111122223333:role";

    fn planned(map_roles: &str, username: Option<&str>, groups: Groups) -> Vec<Edit> {
        let data = BTreeMap::from([("mapRoles".to_owned(), map_roles.to_owned())]);
        let edit = map(username, groups);
        let roles = [edit.principal().clone()];
        with_siblings_replaced(vec![edit], &roles, &Document::read(&data))
    }

    fn map(username: Option<&str>, groups: Groups) -> Edit {
        Edit::Map {
            principal: Principal::Role(format!("{A}/AWSReservedSSO_Dev_fedcba9876543210")),
            username: username.map(str::to_owned),
            groups,
        }
    }

    fn unmap(arn: &str) -> Edit {
        Edit::Unmap {
            principal: Principal::Role(arn.to_owned()),
            only_line: None,
        }
    }

    #[test]
    fn deleted_role_of_the_same_set_and_account_is_replaced() {
        let old = format!("{A}/AWSReservedSSO_Dev_0123456789abcdef");
        let others = format!(
            "- rolearn: {A}/AWSReservedSSO_Dev_ReadOnly_0123456789abcdef\n  username: ro\n\
             - rolearn: arn:aws:iam::444455556666:role/AWSReservedSSO_Dev_0123456789abcdef\n  username: other\n"
        );
        let mapped = format!("{others}- rolearn: {old}\n  username: dev\n  groups: [devs, ops]\n");
        let both = Groups::Set(vec!["devs".to_owned(), "ops".to_owned()]);
        assert_eq!(
            planned(&mapped, None, Groups::Keep),
            [unmap(&old), map(Some("dev"), both)]
        );
        let one = Groups::Set(vec!["x".to_owned()]);
        assert_eq!(
            planned(&mapped, Some("d:{{SessionName}}"), one.clone()),
            [unmap(&old), map(Some("d:{{SessionName}}"), one.clone())]
        );
        assert_eq!(
            planned(&others, None, Groups::Keep),
            [map(None, Groups::Keep)]
        );
        // A role that is mapped by its ARN replaces no other.
        let by_arn = vec![map(Some("d"), one)];
        let data = BTreeMap::from([("mapRoles".to_owned(), mapped.clone())]);
        assert_eq!(
            with_siblings_replaced(by_arn.clone(), &[], &Document::read(&data)),
            by_arn
        );
        // A role that is mapped already keeps its own terms.
        let own = format!(
            "{mapped}- rolearn: {A}/AWSReservedSSO_Dev_fedcba9876543210\n  username: new\n"
        );
        assert_eq!(
            planned(&own, None, Groups::Keep),
            [unmap(&old), map(None, Groups::Keep)]
        );
    }
}
