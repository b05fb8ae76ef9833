//! Reading the desired state: text in, mappings or an error out.

mod access;
mod access_entries;
mod errors;
mod formats;

use awsauth_core::desired::{DesiredError, DesiredMapping, read};
use awsauth_core::document::Principal;

/// Reads `text` as the file `f` and compares the result: a line for each mapping, or the error with its hint.
#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(shown(read(text, "f", None)), expected.trim_end());
}

fn shown(outcome: Result<Vec<DesiredMapping>, DesiredError>) -> String {
    match outcome {
        Ok(desired) => desired.iter().map(line).collect::<Vec<_>>().join("\n"),
        Err(error) => format!("{error}\nhint: {}", error.remedy()),
    }
}

fn line(desired: &DesiredMapping) -> String {
    let who = match &desired.principal {
        Principal::Role(arn) => format!("role {arn}"),
        Principal::User(arn) => format!("user {arn}"),
        Principal::Account(account) => format!("account {account}"),
        Principal::Sso(sso) => {
            format!(
                "sso {:?} {:?} {:?}",
                sso.permission_set_name, sso.account_id, sso.partition
            )
        }
    };
    let username = desired
        .username
        .as_deref()
        .map_or(String::new(), |name| format!(" as {name}"));
    let groups = desired
        .groups
        .as_ref()
        .map_or(String::new(), |groups| format!(" in {groups:?}"));
    format!(
        "{}:{}: {who}{username}{groups}",
        desired.source, desired.line
    )
}

/// Like [`check`], with only the start of the message.
#[track_caller]
fn refused(text: &str, expected: &str) {
    let shown = shown(read(text, "f", None));
    assert!(
        shown.starts_with(expected),
        "{shown}\ndoes not start with\n{expected}"
    );
}
