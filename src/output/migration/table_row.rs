//! A row of the table of `migrate`.

use anstyle::Style;

use super::super::access_entry::short;
use super::super::mapping_list::FileLine;
use super::super::table::Cell;
use super::{reason_text, style, word};
use awsauth_core::access_entries::migrate::{Item, Verdict};
use awsauth_core::arn::Parts;
use awsauth_core::authenticator::template;
use awsauth_core::document::Principal;
use awsauth_core::facts::access_entries::{AccessEntry, STANDARD};

/// Formats an entry of aws-auth and its access entry. `now` replaces the verdict of an entry without an access entry.
pub(super) fn cells(
    item: &Item<'_>,
    now: Option<(&str, Style)>,
    file_line: &FileLine<'_>,
) -> Vec<Cell> {
    if let Some((what, style)) = now {
        return vec![
            Cell::new(&principal(item)),
            Cell::new(&in_aws_auth(item)),
            Cell::new("-"),
            Cell::styled(what, style),
        ];
    }
    let mut verdict = word(&item.verdict).to_owned();
    if let Verdict::NotMigrated { reason } = &item.verdict {
        verdict = format!("{verdict}: {}", reason_text(reason, file_line));
    }
    let entry = item.entry.as_ref();
    vec![
        Cell::new(&principal(item)),
        Cell::new(&in_aws_auth(item)),
        Cell::new(&entry.map_or_else(|| "-".to_owned(), contents)),
        Cell::styled(&verdict, style(&item.verdict)),
    ]
}

/// Names the principal with its account, and with the ARN of its access entry if that has another path.
fn principal(item: &Item<'_>) -> String {
    let name = match &item.mapping.principal {
        Principal::Account(id) => return format!("account {id}"),
        Principal::Sso(sso) => {
            return format!("sso {} ({})", sso.permission_set_name, sso.account_id);
        }
        Principal::Role(arn) | Principal::User(arn) => arn,
    };
    let (Some(parts), Some(own)) = (Parts::of(name), resource(name)) else {
        return name.clone();
    };
    let real = item
        .entry
        .as_ref()
        .and_then(|entry| resource(&entry.principal_arn));
    match real.filter(|real| *real != own) {
        Some(real) => format!("{own} → {real} ({})", parts.account),
        None => format!("{own} ({})", parts.account),
    }
}

/// Returns what follows the account in an ARN.
fn resource(arn: &str) -> Option<&str> {
    arn.splitn(6, ':').nth(5)
}

fn in_aws_auth(item: &Item<'_>) -> String {
    match &item.mapping.principal {
        Principal::Account(_) => "every role and user, no groups".to_owned(),
        _ => user(&item.mapping.username, item.mapping.groups()),
    }
}

fn user(username: &str, groups: &[String]) -> String {
    let username = if username.is_empty() {
        "\"\""
    } else {
        username
    };
    match groups {
        [] => username.to_owned(),
        groups => format!("{username} [{}]", groups.join(", ")),
    }
}

/// Formats the username, groups and policies of an access entry, or the type of one for nodes.
fn contents(entry: &AccessEntry) -> String {
    let Some(terms) = &entry.terms else {
        return "unknown".to_owned();
    };
    if terms.kind != STANDARD {
        return terms.kind.clone();
    }
    let user = user(&template(entry, terms).username, &terms.groups);
    match terms.policies() {
        [] => user,
        policies => {
            let policies: Vec<_> = policies.iter().map(short).collect();
            format!("{user} + {}", policies.join(", "))
        }
    }
}
