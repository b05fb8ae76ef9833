//! Checks the principal in a command's arguments.

use crate::terminal::{Failure, Refusal};
use awsauth_core::arn::{self, Kind, Normalized, Parts};
use awsauth_core::document::Principal;
use awsauth_core::facts::accounts::is_account_id;

/// The hint about `--as-written`.
const AS_WRITTEN: &str = "add --as-written to write it anyway";

/// The principal to map, and the correction of its ARN.
#[derive(Debug)]
pub(crate) struct CheckedPrincipal {
    /// The principal with the ARN to write.
    pub(crate) principal: Principal,
    /// The correction, as a sentence; `None` if the ARN is unchanged.
    pub(crate) correction: Option<String>,
}

/// Checks that an ARN or account can match a caller before it is written. Drops the IAM path of a role, because STS
/// reports none. With `as_written`, accepts everything unchanged.
///
/// # Errors
/// If the ARN is of another kind, can never match, or is that of a session, because mapping its role would grant more.
pub(crate) fn check_principal(
    principal: Principal,
    as_written: bool,
) -> Result<CheckedPrincipal, Failure> {
    if as_written {
        return Ok(CheckedPrincipal {
            principal,
            correction: None,
        });
    }
    match principal {
        Principal::Role(arn) => role(arn),
        Principal::User(arn) => user(arn),
        Principal::Account(id) => account(id),
        sso @ Principal::Sso(_) => Ok(CheckedPrincipal {
            principal: sso,
            correction: None,
        }),
    }
}

/// Fails with an example if the text is not an ARN.
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
            "give the full ARN, such as arn:aws:iam::111122223333:{word}/{name}"
        )),
    )
}

fn role(arn: String) -> Result<CheckedPrincipal, Failure> {
    must_be_arn("role", &arn)?;
    if let Normalized::Session { role } = arn::normalize(&arn) {
        return Err(Failure::refused(
            Refusal {
                guard: "ARN",
                reason: "session",
            },
            format!("{arn} is one session of a role, and only roles can be mapped"),
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
    match arn::normalize(&arn) {
        Normalized::PathDropped { arn, path } => {
            let note = format!(
                "Dropped the path {path}: STS reports roles without it, so the entry would never match."
            );
            Ok(CheckedPrincipal {
                principal: Principal::Role(matchable(arn)?),
                correction: Some(note),
            })
        }
        Normalized::AsGiven | Normalized::Session { .. } => Ok(CheckedPrincipal {
            principal: Principal::Role(matchable(arn)?),
            correction: None,
        }),
    }
}

fn user(arn: String) -> Result<CheckedPrincipal, Failure> {
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
            arn::comparable(&arn)
        )));
    }
    Ok(CheckedPrincipal {
        principal: Principal::User(matchable(arn)?),
        correction: None,
    })
}

fn account(id: String) -> Result<CheckedPrincipal, Failure> {
    if is_account_id(&id) {
        return Ok(CheckedPrincipal {
            principal: Principal::Account(id),
            correction: None,
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
    Failure::usage(format!("an entry for {arn} would never match"))
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an AWS account id, which has twelve digits")]
struct NotAnAccount(String);
