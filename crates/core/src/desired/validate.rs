//! Validates desired mappings.

use super::DesiredMapping;
use super::error::{Fault, Reason};
use crate::document::Principal;
use crate::escape::is_invisible;
use crate::facts::accounts::is_account_id;
use crate::facts::partitions::Partition;

/// Checks the principal, the username and the groups of a desired mapping from any input format.
pub(super) fn check(desired: &DesiredMapping) -> Result<(), Fault> {
    check_principal(&desired.principal)
        .and_then(|()| check_user(desired))
        .map_err(|reason| Fault::new(desired.line, reason))
}

/// Checks a principal of any form.
pub(super) fn check_principal(principal: &Principal) -> Result<(), Reason> {
    match principal {
        Principal::Role(arn) => check_text("the role's ARN", arn),
        Principal::User(arn) => check_text("the user's ARN", arn),
        Principal::Account(account) => check_account(account),
        Principal::Sso(sso) => {
            check_account(&sso.account_id)?;
            let name = &sso.permission_set_name;
            let fits = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
            if name.is_empty() || name.len() > 32 || !name.chars().all(fits) {
                return Err(Reason::PermissionSet(name.clone()));
            }
            if sso.partition.is_empty() || Partition::named(&sso.partition).is_some() {
                return Ok(());
            }
            Err(Reason::Partition(sso.partition.clone()))
        }
    }
}

fn check_account(account: &str) -> Result<(), Reason> {
    if is_account_id(account) {
        return Ok(());
    }
    Err(Reason::AccountId {
        account: account.to_owned(),
    })
}

fn check_user(desired: &DesiredMapping) -> Result<(), Reason> {
    if let Principal::Account(account) = &desired.principal {
        let field = match (&desired.username, &desired.groups, &desired.expires) {
            (Some(_), ..) => "username",
            (None, Some(_), _) => "groups",
            (None, None, Some(_)) => "expires",
            (None, None, None) => return Ok(()),
        };
        return Err(Reason::AccountOnly {
            account: account.clone(),
            field,
        });
    }
    match desired.username.as_deref() {
        None | Some("") => {
            let who = desired.who();
            let suggestion = who.rsplit('/').next().unwrap_or_default().to_owned();
            return Err(Reason::NoUsername { who, suggestion });
        }
        Some(username) => check_text("`username`", username)?,
    }
    desired
        .groups
        .iter()
        .flatten()
        .try_for_each(|group| check_text("an item of `groups`", group))
}

pub(super) fn check_text(what: &str, text: &str) -> Result<(), Reason> {
    if text.is_empty() {
        return Err(Reason::EmptyText {
            what: what.to_owned(),
        });
    }
    if text.trim() != text || text.contains(is_invisible) {
        return Err(Reason::Blank {
            what: what.to_owned(),
            text: text.to_owned(),
        });
    }
    Ok(())
}
