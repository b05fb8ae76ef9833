//! Validates the principal in a command's arguments.

use crate::terminal::{Failure, Refusal};
use awsauth_core::arn::{self, ArnError, Kind, Normalized, Parts};
use awsauth_core::document::Principal;
use awsauth_core::facts::accounts::is_account_id;
use awsauth_core::permission_set::after_prefix;
use awsauth_core::shell_quote::quoted;

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
/// If the ARN is of another kind, can never match, or is that of a session: mapping its role would give access to more sessions.
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

/// Fails with an example if the argument is not an ARN.
pub(crate) fn must_be_arn(word: &'static str, text: &str) -> Result<(), Failure> {
    if Parts::of(text).is_some() {
        return Ok(());
    }
    let name = if text.is_empty() {
        "NAME"
    } else {
        text.rsplit('/').next().unwrap_or(text)
    };
    let failure = Failure::usage(format!("{text:?} is not the ARN of a {word}")).hint(format!(
        "give the full ARN, such as arn:aws:iam::111122223333:{word}/{name}"
    ));
    if let Some(set) = after_prefix(text) {
        // IAM Identity Center appends 16 hexadecimal digits to the name.
        let set = set.rsplit_once('_').map_or(set, |(set, _)| set);
        return Err(failure.hint(format!(
            "for the role of a permission set, which awsauth finds in IAM: awsauth map sso {}",
            quoted(set)
        )));
    }
    Err(match text.is_empty() {
        true => failure,
        false => failure.hint(found_by(name)),
    })
}

/// Returns a hint how to find the ARN of a mapping by a name.
fn found_by(name: &str) -> String {
    format!(
        "find the ARN of a mapping: awsauth get --arn {}, or awsauth get --username {}",
        quoted(&format!("*/{name}")),
        quoted(name)
    )
}

/// Returns a failure that explains why an ARN is not the ARN of an identity. `what` states what could not be done.
pub(crate) fn not_an_identity(what: &str, arn: &str, error: &ArnError) -> Failure {
    let parts = Parts::of(arn);
    let is = |kind| parts.as_ref().is_some_and(|parts| parts.is("iam", kind));
    let name = arn.rsplit(['/', ':']).next().unwrap_or_default();
    match error {
        ArnError::Prefix(_) | ArnError::Sections(_) => {
            Failure::usage(format!("{what}: it is not an ARN")).hint(found_by(name))
        }
        ArnError::NoRole(_) => Failure::usage(format!(
            "{what}: the ARN of a session ends with the role and the session's name"
        ))
        .hint(format!(
            "name the session, {}/SESSION, or its role, {}",
            arn.trim_end_matches('/'),
            arn.replacen(":sts:", ":iam:", 1)
                .replacen(":assumed-role/", ":role/", 1)
                .trim_end_matches('/')
        )),
        _ if is("group") => Failure::usage(format!(
            "{what}: an IAM group cannot sign in, only its users can"
        ))
        .hint(format!(
            "map each of its users, or a role that they can assume; list them: aws iam get-group --group-name {}",
            quoted(name)
        )),
        _ if is("instance-profile") => Failure::usage(format!(
            "{what}: an instance profile cannot sign in, only its role can"
        ))
        .hint(format!(
            "find the role: aws iam get-instance-profile --instance-profile-name {}",
            quoted(name)
        )),
        _ => Failure::usage(what).because(error),
    }
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
            "to map the role, for every session of it: awsauth map role {} …",
            quoted(&role)
        )));
    }
    let kind = arn::canonical(&arn)
        .map_err(|error| not_an_identity(&never_matches(&arn), &arn, &error).hint(AS_WRITTEN))?
        .kind;
    if kind != Kind::Role {
        return Err(Failure::usage(format!(
            "{arn} is the ARN of a {}, not of a role",
            kind.name()
        ))
        .hint(format!(
            "map it as a user: awsauth map user {} …",
            quoted(&arn)
        )));
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
        .map_err(|error| not_an_identity(&never_matches(&arn), &arn, &error).hint(AS_WRITTEN))?
        .kind;
    if matches!(kind, Kind::Role | Kind::AssumedRole) {
        return Err(Failure::usage(format!(
            "{arn} is the ARN of a {}, not of a user",
            kind.name()
        ))
        .hint(format!(
            "map it as a role: awsauth map role {} …",
            quoted(&arn::comparable(&arn))
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
    Failure::usage(never_matches(arn))
}

fn never_matches(arn: &str) -> String {
    format!("an entry for {arn} would never match")
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an AWS account id, which has twelve digits")]
struct NotAnAccount(String);
