//! Users, and changes of access.

use std::collections::HashSet;
use std::fmt::Write;

use serde::Serialize;

use super::access_entry::PolicyData;
use super::style::{GAIN, LOSS, NOTICE, paint};
use super::table::Cell;
use awsauth_core::authenticator::{AccessChange, User};
use awsauth_core::escape::one_line;
use awsauth_core::facts::access_entries::AccessPolicy;

/// One change of the access diff as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessData<'a> {
    arn: &'a str,
    before: Option<UserData<'a>>,
    after: Option<UserData<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct UserData<'a> {
    username: &'a str,
    groups: &'a [String],
    /// The access policies of its access entry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policies: Vec<PolicyData<'a>>,
    /// The other users that the authenticator may pick instead.
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "orElse")]
    or_else: Vec<Self>,
}

impl<'a> UserData<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self {
            username: &user.username,
            groups: &user.groups,
            policies: Vec::new(),
            or_else: Vec::new(),
        }
    }

    fn any_of(users: &'a [User], policies: &'a [AccessPolicy]) -> Option<Self> {
        let (first, rest) = users.split_first()?;
        Some(Self {
            policies: policies.iter().map(PolicyData::of).collect(),
            or_else: rest.iter().map(Self::of).collect(),
            ..Self::of(first)
        })
    }
}

pub(super) fn data(changes: &[AccessChange]) -> Vec<AccessData<'_>> {
    let each = changes.iter().map(|change| AccessData {
        arn: &change.arn,
        before: UserData::any_of(&change.before, &change.policies_before),
        after: UserData::any_of(&change.after, &change.policies_after),
    });
    each.collect()
}

/// The access diff: a styled line or more for each change.
pub(super) fn text(changes: &[AccessChange]) -> String {
    let mut text = String::new();
    for change in changes {
        let arn = identity(&change.arn);
        let _ = match (change.before.is_empty(), change.after.is_empty()) {
            (true, _) => {
                let gain = format!("+ {arn} gains {}", access_after(change));
                writeln!(text, "{}", paint(GAIN, &gain))
            }
            (_, true) => {
                let loss = format!("- {arn} loses {}", access_before(change));
                writeln!(text, "{}", paint(LOSS, &loss))
            }
            (false, false) => {
                let _ = writeln!(text, "{}", paint(NOTICE, &format!("~ {arn} changes")));
                let (lost, gained) = lost_and_gained(change);
                for (style, verb, what) in [(LOSS, "loses", lost), (GAIN, "gains", gained)] {
                    if !what.is_empty() {
                        let _ = writeln!(text, "    {}", paint(style, &format!("{verb} {what}")));
                    }
                }
                Ok(())
            }
        };
    }
    text
}

/// Describes what a principal with access before and after a change loses, and what it gains: its groups and access policies if it
/// keeps its username.
fn lost_and_gained(change: &AccessChange) -> (String, String) {
    let ([before], [after]) = (change.before.as_slice(), change.after.as_slice()) else {
        return (access_before(change), access_after(change));
    };
    if before.username != after.username {
        return (access_before(change), access_after(change));
    }
    let rights = |user: &User, other: &User, policies: &[AccessPolicy], others: &[AccessPolicy]| {
        let of_other: HashSet<&String> = other.groups.iter().collect();
        let groups = user.groups.iter();
        let groups: Vec<_> = groups
            .filter(|group| !of_other.contains(group))
            .map(|group| one_line(group))
            .collect();
        let groups = match groups.as_slice() {
            [] => None,
            [group] => Some(format!("group {group}")),
            groups => Some(format!("groups {}", groups.join(", "))),
        };
        let others: HashSet<&AccessPolicy> = others.iter().collect();
        let policies = policies.iter().filter(|policy| !others.contains(policy));
        let all: Vec<String> = groups
            .into_iter()
            .chain(policies.map(policy_text))
            .collect();
        all.join(" and ")
    };
    let (old, new) = (&change.policies_before, &change.policies_after);
    (
        rights(before, after, old, new),
        rights(after, before, new, old),
    )
}

/// A row for each change: the identity, and its access.
pub(super) fn rows(changes: &[AccessChange]) -> Vec<Vec<Cell>> {
    let row = |change: &AccessChange| {
        let (access, style) = match (change.before.is_empty(), change.after.is_empty()) {
            (true, _) => (format!("gains {}", access_after(change)), GAIN),
            (_, true) => (format!("loses {}", access_before(change)), LOSS),
            (false, false) => {
                let (lost, gained) = lost_and_gained(change);
                let parts = [("loses", lost), ("gains", gained)].into_iter();
                let parts = parts.filter(|(_, what)| !what.is_empty());
                let parts = parts.map(|(verb, what)| format!("{verb} {what}"));
                (parts.collect::<Vec<_>>().join(", "), NOTICE)
            }
        };
        vec![
            Cell::new(&identity(&change.arn)),
            Cell::styled(&access, style),
        ]
    };
    changes.iter().map(row).collect()
}

/// The ARN, or `account ID` for a bare account ID.
fn identity(arn: &str) -> String {
    let digits = !arn.is_empty() && arn.bytes().all(|byte| byte.is_ascii_digit());
    if digits {
        format!("account {arn}")
    } else {
        one_line(arn).into_owned()
    }
}

/// Describes the access before a change.
pub(super) fn access_before(change: &AccessChange) -> String {
    access(&change.before, &change.policies_before)
}

/// Describes the access after a change.
pub(super) fn access_after(change: &AccessChange) -> String {
    access(&change.after, &change.policies_after)
}

/// Describes users, any of which an identity may become, and its access policies.
fn access(users: &[User], policies: &[AccessPolicy]) -> String {
    let users: Vec<_> = users.iter().map(user_text).collect();
    let policies: Vec<_> = policies.iter().map(policy_text).collect();
    let users = users.join(", or ");
    match policies.as_slice() {
        [] => users,
        policies => format!("{users}, with {}", policies.join(" and ")),
    }
}

fn policy_text(policy: &AccessPolicy) -> String {
    one_line(&format!("{} {}", policy.name(), policy.scope)).into_owned()
}

/// Describes a Kubernetes user and its groups.
pub(crate) fn user_text(user: &User) -> String {
    let name = if user.username.is_empty() {
        "an empty username".to_owned()
    } else {
        format!("user {}", one_line(&user.username))
    };
    let groups: Vec<_> = user.groups.iter().map(|group| one_line(group)).collect();
    match groups.as_slice() {
        [] => format!("{name} without groups"),
        [group] => format!("{name} in group {group}"),
        groups => format!("{name} in groups {}", groups.join(", ")),
    }
}
