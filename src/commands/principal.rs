//! Whom a command names, read from its arguments.

use crate::arn::{self, Kind, Mended, Parts};
use crate::document::Principal;
use crate::edge::{Failure, Refusal};
use crate::facts::accounts::is_account_id;

/// What `--as-written` says of itself in hints.
const AS_WRITTEN: &str = "add --as-written to write it all the same";

/// Whom to map, and what was mended on the way.
#[derive(Debug)]
pub(crate) struct Named {
    /// With the ARN that is to be written.
    pub(crate) principal: Principal,
    /// What was mended, as a sentence.
    pub(crate) mended: Option<String>,
}

/// Checks an ARN or account that is to be written, so that somebody can match it: a role's IAM path is dropped, because
/// STS reports none. With `as_written` everything passes as it is.
///
/// # Errors
/// An ARN of another kind, one that nobody can match, and a session's, since mapping its role would be wider.
pub(crate) fn to_write(principal: Principal, as_written: bool) -> Result<Named, Failure> {
    if as_written {
        return Ok(Named {
            principal,
            mended: None,
        });
    }
    match principal {
        Principal::Role(arn) => role(arn),
        Principal::User(arn) => user(arn),
        Principal::Account(id) => account(id),
        sso @ Principal::Sso(_) => Ok(Named {
            principal: sso,
            mended: None,
        }),
    }
}

/// The ARN that entries are compared with, of an ARN as consoles and STS show it.
pub(crate) fn as_matched(arn: &str) -> String {
    let canonical = arn::canonical(arn).map_or_else(|_| arn.to_owned(), |canonical| canonical.arn);
    match arn::mend(&canonical) {
        Mended::PathDropped { arn, .. } => arn,
        Mended::AsGiven | Mended::Session { .. } => canonical,
    }
}

/// Fails with the way an ARN looks, when this is none at all.
pub(crate) fn must_be_arn(word: &'static str, text: &str) -> Result<(), Failure> {
    if Parts::of(text).is_some() {
        return Ok(());
    }
    let name = if text.is_empty() {
        "NAME"
    } else {
        text.rsplit('/').next().unwrap_or(text)
    };
    Err(
        Failure::usage(format!("{text:?} is not the ARN of a {word}")).hint(format!(
            "give the whole ARN, such as arn:aws:iam::111122223333:{word}/{name}"
        )),
    )
}

fn role(arn: String) -> Result<Named, Failure> {
    must_be_arn("role", &arn)?;
    if let Mended::Session { role } = arn::mend(&arn) {
        return Err(Failure::refused(
            Refusal {
                guard: "ARN",
                reason: "session",
            },
            format!("{arn} is one session of a role, and only whole roles can be mapped"),
        )
        .hint(format!(
            "to map the role, for every session of it: awsauth map role {role} …"
        )));
    }
    let kind = arn::canonical(&arn)
        .map_err(|error| cannot_match(&arn).because(&error).hint(AS_WRITTEN))?
        .kind;
    if kind != Kind::Role {
        return Err(Failure::usage(format!(
            "{arn} is the ARN of a {}, not of a role",
            kind.name()
        ))
        .hint(format!("map it as a user: awsauth map user {arn} …")));
    }
    match arn::mend(&arn) {
        Mended::PathDropped { arn: mended, path } => {
            let note = format!(
                "Dropped the path {path}: STS reports roles without it, and the entry would match nobody."
            );
            Ok(Named {
                principal: Principal::Role(matchable(mended)?),
                mended: Some(note),
            })
        }
        Mended::AsGiven | Mended::Session { .. } => Ok(Named {
            principal: Principal::Role(matchable(arn)?),
            mended: None,
        }),
    }
}

fn user(arn: String) -> Result<Named, Failure> {
    must_be_arn("user", &arn)?;
    let kind = arn::canonical(&arn)
        .map_err(|error| cannot_match(&arn).because(&error).hint(AS_WRITTEN))?
        .kind;
    if matches!(kind, Kind::Role | Kind::AssumedRole) {
        return Err(Failure::usage(format!(
            "{arn} is the ARN of a {}, not of a user",
            kind.name()
        ))
        .hint(format!(
            "map it as a role: awsauth map role {} …",
            as_matched(&arn)
        )));
    }
    Ok(Named {
        principal: Principal::User(matchable(arn)?),
        mended: None,
    })
}

fn account(id: String) -> Result<Named, Failure> {
    if is_account_id(&id) {
        return Ok(Named {
            principal: Principal::Account(id),
            mended: None,
        });
    }
    Err(Failure::usage(format!(
        "{id:?} is not an AWS account id, which has twelve digits"
    ))
    .hint(AS_WRITTEN))
}

fn matchable(arn: String) -> Result<String, Failure> {
    let account = Parts::of(&arn)
        .map(|parts| parts.account)
        .unwrap_or_default();
    if !is_account_id(account) {
        return Err(cannot_match(&arn)
            .because(&NotAnAccount(account.to_owned()))
            .hint(AS_WRITTEN));
    }
    if !arn::can_match(&arn) {
        return Err(cannot_match(&arn).hint("entries have no wildcards, blanks or regions: name each role and user by its own ARN").hint(AS_WRITTEN));
    }
    Ok(arn)
}

fn cannot_match(arn: &str) -> Failure {
    Failure::usage(format!("an entry for {arn} would match nobody"))
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an AWS account id, which has twelve digits")]
struct NotAnAccount(String);
