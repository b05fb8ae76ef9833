//! The roles that IAM Identity Center creates for permission sets, one in each account to which a set is assigned.
//!
//! If all assignments of a set in an account are deleted, Identity Center deletes the role. A new assignment creates one with
//! another suffix: <https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>

use thiserror::Error;

use crate::arn::{Parts, comparable, equal_fold, is_same_principal};
use crate::authenticator::{AccessEntries, EntryState, Store};
use crate::document::edit::{Edit, Groups};
use crate::document::{Document, Mapping, Principal};
use crate::facts::access_entries::AccessEntry;
use crate::facts::iam_principals;

/// The start of the IAM path of the roles. A region may follow.
pub const PATH_PREFIX: &str = "/aws-reserved/sso.amazonaws.com/";

/// The start of the roles' names.
const NAME_PREFIX: &str = "AWSReservedSSO_";

/// The most names that an error lists.
const MAX_NAMES: usize = 10;

/// Returns the permission set of a role with a complete name, such as `AWSReservedSSO_SET_0123456789abcdef`.
pub fn permission_set(name: &str) -> Option<&str> {
    let (set, suffix) = after_prefix(name)?.rsplit_once('_')?;
    let is_suffix = suffix.len() == 16 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_suffix.then_some(set)
}

/// Returns the part of a role's name after Identity Center's prefix.
pub fn after_prefix(name: &str) -> Option<&str> {
    let start = name.get(..NAME_PREFIX.len())?;
    start
        .eq_ignore_ascii_case(NAME_PREFIX)
        .then(|| &name[NAME_PREFIX.len()..])
}

/// Returns the name of a permission set's role with this suffix.
pub fn role_name(set: &str, suffix: &str) -> String {
    format!("{NAME_PREFIX}{set}_{suffix}")
}

/// Why there is not exactly one role for a permission set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RoleError {
    #[error("{name} is a role, not a permission set")]
    RoleName { name: String },
    #[error("the AWS credentials are of account {found}, not of {wanted}")]
    OtherAccount { wanted: String, found: String },
    #[error("no role of the permission set {set} exists in {}", account_words(account.as_deref()))]
    NotAssigned {
        set: String,
        /// The account of the credentials, if it is known.
        account: Option<String>,
        /// The permission sets that have a role.
        others: Vec<String>,
    },
    #[error("the permission set {set} has several roles: {}", arns.join(", "))]
    Several { set: String, arns: Vec<String> },
}

fn account_words(account: Option<&str>) -> String {
    account.map_or_else(
        || "the account of the AWS credentials".to_owned(),
        |account| format!("account {account}"),
    )
}

impl RoleError {
    /// Returns what to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::RoleName { name } => match permission_set(name) {
                Some(set) => format!("give its permission set: {set}"),
                None => "give the name of the permission set, without AWSReservedSSO_".to_owned(),
            },
            Self::OtherAccount { wanted, .. } => format!(
                "use credentials of that account, such as --profile NAME, or map the role by its ARN: awsauth map role arn:aws:iam::{wanted}:role/AWSReservedSSO_… …"
            ),
            Self::NotAssigned { set, others, .. } => {
                let same = others.iter().find(|other| other.eq_ignore_ascii_case(set));
                match (same, others.as_slice()) {
                    (Some(same), _) => format!("did you mean {same}?"),
                    (None, []) => {
                        "assign the permission set to a user or group in this account, or use credentials of another account, such as --profile NAME"
                            .to_owned()
                    }
                    (None, others) => format!(
                        "assign the permission set to a user or group in this account; those with a role are {}",
                        names(others)
                    ),
                }
            }
            Self::Several { .. } => {
                "two instances of Identity Center may use this account: map the intended role by its ARN with awsauth map role".to_owned()
            }
        }
    }
}

fn names(all: &[String]) -> String {
    let shown = all.iter().take(MAX_NAMES).map(String::as_str);
    let shown: Vec<&str> = shown.collect();
    match all.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Returns the role of a permission set. `roles` are those that IAM lists with [`PATH_PREFIX`]; `own_account` is the account that
/// they are of, if it is known, and `wanted` the one that the user named.
///
/// # Errors
/// If none or several belong to the set, or the account is not the wanted one.
pub fn role_of<'a>(
    set: &str,
    wanted: Option<&str>,
    own_account: Option<&str>,
    roles: &'a [iam_principals::Principal],
) -> Result<&'a iam_principals::Principal, RoleError> {
    if after_prefix(set).is_some() {
        let name = set.to_owned();
        return Err(RoleError::RoleName { name });
    }
    let listed = roles.iter().find_map(|role| Parts::of(&role.arn));
    let found = listed.map(|parts| parts.account).or(own_account);
    if let (Some(wanted), Some(found)) = (wanted, found)
        && wanted != found
    {
        return Err(RoleError::OtherAccount {
            wanted: wanted.to_owned(),
            found: found.to_owned(),
        });
    }
    let of_set = roles
        .iter()
        .filter(|role| permission_set(&role.name) == Some(set));
    let of_set: Vec<_> = of_set.collect();
    match of_set.as_slice() {
        [role] => Ok(role),
        [] => {
            let mut others: Vec<String> = roles
                .iter()
                .filter_map(|role| permission_set(&role.name).map(str::to_owned))
                .collect();
            others.sort();
            others.dedup();
            Err(RoleError::NotAssigned {
                set: set.to_owned(),
                account: found.or(wanted).map(str::to_owned),
                others,
            })
        }
        several => Err(RoleError::Several {
            set: set.to_owned(),
            arns: several.iter().map(|role| role.arn.clone()).collect(),
        }),
    }
}

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
    let (Some(one), Some(other)) = (Parts::of(one), Parts::of(other)) else {
        return false;
    };
    let sets = permission_set(one.name).zip(permission_set(other.name));
    one.is("iam", "role")
        && one.account == other.account
        && sets.is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const A: &str = "arn:aws:iam::111122223333:role";

    fn role(name: &str) -> iam_principals::Principal {
        iam_principals::Principal {
            arn: format!("{A}/aws-reserved/sso.amazonaws.com/eu-west-1/{name}"),
            name: name.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn role_is_found_by_the_whole_name_of_its_permission_set() {
        let roles = [
            role("AWSReservedSSO_Dev_ReadOnly_0123456789abcdef"),
            role("AWSReservedSSO_Dev_fedcba9876543210"),
            role("AWSReservedSSO_Ops_0123456789abcdef"),
            role("AWSReservedSSO_Ops_0123456789abcde0"),
        ];
        let find = |set| role_of(set, None, None, &roles).map(|role| role.name.as_str());
        assert_eq!(find("Dev"), Ok("AWSReservedSSO_Dev_fedcba9876543210"));
        assert_eq!(
            find("Dev_ReadOnly"),
            Ok("AWSReservedSSO_Dev_ReadOnly_0123456789abcdef")
        );
        for (set, error, hint) in [
            (
                "Ops",
                "the permission set Ops has several roles: ",
                "map the intended role by its ARN",
            ),
            (
                "dev",
                "no role of the permission set dev exists in account 111122223333",
                "did you mean Dev?",
            ),
            (
                "De",
                "no role of the permission set De exists in account 111122223333",
                "those with a role are Dev, Dev_ReadOnly, Ops",
            ),
            (
                "AWSReservedSSO_Dev_fedcba9876543210",
                "AWSReservedSSO_Dev_fedcba9876543210 is a role",
                "give its permission set: Dev",
            ),
        ] {
            let found = find(set).expect_err(set);
            assert!(found.to_string().starts_with(error), "{found}");
            assert!(found.hint().contains(hint), "{}", found.hint());
        }
    }

    #[test]
    fn role_of_another_account_is_refused() {
        let roles = [role("AWSReservedSSO_Dev_fedcba9876543210")];
        let error = role_of("Dev", Some("444455556666"), None, &roles).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "the AWS credentials are of account 111122223333, not of 444455556666"
        );
        let error = role_of("Dev", Some("444455556666"), Some("111122223333"), &[]);
        assert!(matches!(error, Err(RoleError::OtherAccount { .. })));
        let error = role_of("Dev", None, None, &[]).expect_err("none");
        assert_eq!(
            error.to_string(),
            "no role of the permission set Dev exists in the account of the AWS credentials"
        );
        assert!(role_of("Dev", Some("111122223333"), None, &roles).is_ok());
    }

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
