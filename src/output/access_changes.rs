//! Users, and changes of access.

use std::fmt::Write;

use serde::Serialize;

use super::style::{GAIN, LOSS, NOTICE, paint};
use awsauth_core::authenticator::{AccessChange, User};
use awsauth_core::escape::one_line;

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
    /// The other users that the authenticator may pick instead.
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "orElse")]
    or_else: Vec<Self>,
}

impl<'a> UserData<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self {
            username: &user.username,
            groups: &user.groups,
            or_else: Vec::new(),
        }
    }

    fn any_of(users: &'a [User]) -> Option<Self> {
        let (first, rest) = users.split_first()?;
        Some(Self {
            or_else: rest.iter().map(Self::of).collect(),
            ..Self::of(first)
        })
    }
}

pub(super) fn data(changes: &[AccessChange]) -> Vec<AccessData<'_>> {
    let each = changes.iter().map(|change| AccessData {
        arn: &change.arn,
        before: UserData::any_of(&change.before),
        after: UserData::any_of(&change.after),
    });
    each.collect()
}

/// The access diff: a styled line or more for each change.
pub(super) fn text(changes: &[AccessChange]) -> String {
    let mut text = String::new();
    for AccessChange { arn, before, after } in changes {
        let arn = identity(arn);
        let _ = match (before.is_empty(), after.is_empty()) {
            (true, _) => writeln!(
                text,
                "{}",
                paint(GAIN, &format!("+ {arn} gains {}", users(after)))
            ),
            (_, true) => writeln!(
                text,
                "{}",
                paint(LOSS, &format!("- {arn} loses {}", users(before)))
            ),
            (false, false) => writeln!(
                text,
                "{}\n    {}\n    {}",
                paint(NOTICE, &format!("~ {arn} changes")),
                paint(LOSS, &format!("from {}", users(before))),
                paint(GAIN, &format!("to   {}", users(after)))
            ),
        };
    }
    text
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

fn users(users: &[User]) -> String {
    users
        .iter()
        .map(user_text)
        .collect::<Vec<_>>()
        .join(", or ")
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
