//! Principals in tables.

use anstyle::Style;

use super::table::Cell;
use awsauth_core::arn::Parts;
use awsauth_core::authenticator::MappedBy;
use awsauth_core::document::Principal;

/// Returns `role`, `sso`, `user` or `account`.
pub(super) fn kind(principal: &Principal) -> &'static str {
    match principal {
        Principal::Role(_) => "role",
        Principal::Sso(_) => "sso",
        Principal::User(_) => "user",
        Principal::Account(_) => "account",
    }
}

/// Returns the name in JSON of the store that maps a principal.
pub(super) fn source(by: MappedBy<'_>) -> &'static str {
    match by {
        MappedBy::AwsAuth(_) => "aws-auth",
        MappedBy::AccessEntry(_) => "accessEntry",
    }
}

/// Returns a cell with the store that maps a principal.
pub(super) fn source_cell(by: MappedBy<'_>) -> Cell {
    Cell::new(match by {
        MappedBy::AwsAuth(_) => "aws-auth",
        MappedBy::AccessEntry(_) => "access entry",
    })
}

/// Returns a cell with an ARN or an account. A narrow table shows the name and the account, which identify the
/// principal, instead of the whole ARN; a narrower one only the name, if no other account has it.
pub(super) fn identity_cell(name: &str, style: Style) -> Cell {
    let cell = Cell::styled(name, style);
    match Parts::of(name) {
        Some(parts) if !parts.name.is_empty() => {
            let short = format!("{}{}{}", parts.kind, parts.path, parts.name);
            cell.or_short(&format!("{short} ({})", parts.account))
                .or_short(&short)
        }
        _ => cell,
    }
}
