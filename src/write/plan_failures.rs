//! Messages for plans that cannot be made or are refused, with the next step.

use std::collections::BTreeSet;

use crate::backend::Backend;
use crate::output::short_name;
use crate::terminal::{self, Failure, Kind, Out};
use awsauth_core::document::SectionName;
use awsauth_core::document::edit::EditError;
use awsauth_core::escape::one_line;
use awsauth_core::plan::{Facts, Guard, Known, Refusal};
use awsauth_core::shell_quote::quoted;

/// What to do about a refusal that no flag overrides.
const ALREADY_MAPPED: &str =
    "to change the mapping, leave out --create-only, or noDuplicateARNs in the file";
const UNEXPECTED: &str = "see what is mapped: awsauth get";
/// The way back after a lock-out.
const RESCUE: &str = "after a lock-out, permissions in IAM are enough to regain access: awsauth rescue --cluster-name NAME --dry-run";

/// The refusals of a plan, with the flags that override them.
pub(crate) fn refused(refusals: &[Refusal]) -> Failure {
    let lines = refusals.iter().map(refusal_line);
    let lines: Vec<String> = lines.map(|line| one_line(&line).into_owned()).collect();
    let overrides: BTreeSet<&str> = refusals
        .iter()
        .filter_map(|refusal| refusal.allow.as_deref())
        .collect();
    let overrides: Vec<&str> = overrides.into_iter().collect();
    let hints = refusals.iter().filter_map(|refusal| match refusal.guard {
        Guard::AlreadyMapped => Some(ALREADY_MAPPED),
        Guard::UnexpectedEntry => Some(UNEXPECTED),
        Guard::SelfLockout | Guard::LastAdmin => Some(RESCUE),
        _ => None,
    });
    let hints: BTreeSet<&str> = hints.collect();
    let mut failure = Failure::new(Kind::Refused, lines.join("\n"));
    for hint in hints {
        failure = failure.hint(hint);
    }
    if overrides.contains(&"--allow R04") {
        failure = failure.hint("for the role of a permission set, whose suffix awsauth finds in IAM: awsauth map sso PERMISSION_SET");
    }
    match overrides.as_slice() {
        [] => failure,
        overrides => failure.hint(format!("if this is intended, add {}", overrides.join(" "))),
    }
}

/// The caller lacks the permission to update aws-auth.
pub(crate) fn no_permission(backend: &Backend, facts: &Facts) -> Failure {
    let kubectl = backend.kubectl();
    let user = match &facts.caller {
        Known::Is(caller) => caller.user.username.as_str(),
        // The facts about the caller are those of the user who impersonates.
        Known::NotRequested | Known::Unknown { .. } => {
            backend.impersonated_user().unwrap_or("USER")
        }
    };
    let what = format!("cannot write aws-auth of {backend}");
    let why = format!("user {user} may not update configmaps/aws-auth in kube-system");
    Failure::new(Kind::Unreachable, format!("{what}: {why}"))
        .hint(format!(
            "check whether you have the permission: {} auth can-i update configmaps/aws-auth -n kube-system; if not, ask an administrator for it",
            backend.kubectl_as_user()
        ))
        .hint(format!(
            "a cluster administrator grants the permission with: {kubectl} create role awsauth -n kube-system --verb=get,update \
             --resource=configmaps --resource-name=aws-auth --resource-name=awsauth-history && {kubectl} create rolebinding awsauth \
             -n kube-system --role=awsauth --user={}",
            quoted(user)
        ))
}

/// Asks the user to type the name of the cluster that would be left without a known administrator.
pub(super) fn confirm_no_admin(backend: &Backend, out: &mut Out) -> Result<(), Failure> {
    let question = format!(
        "{backend} would have no known administrator left. Type the cluster's name to continue:"
    );
    if backend.ask_for_name(&question, out)? {
        return Ok(());
    }
    let guard = Guard::LastAdmin;
    let refusal = terminal::Refusal {
        guard: guard.id(),
        reason: guard.reason(),
    };
    Err(Failure::refused(
        refusal,
        "the name does not match; nothing was written",
    ))
}

/// A refusal on one line.
pub(crate) fn refusal_line(refusal: &Refusal) -> String {
    format!("refused ({}): {}", refusal.guard.reason(), refusal.message)
}

/// Explains why the edits cannot be made.
pub(crate) fn edit_failure(error: &EditError, backend: &Backend) -> Failure {
    let place = |section: SectionName, line: usize| match backend.file_line(section, line) {
        Some(file_line) => format!(
            "{} line {line} (line {file_line} of the file)",
            section.key()
        ),
        None => format!("{} line {line}", section.key()),
    };
    match error {
        EditError::NotEditable {
            section,
            line,
            reason,
            unreadable: Some(text),
        } => lossy(format!(
            "{} is not YAML that the authenticator can read, so no entry of {} is in force: {reason}",
            place(*section, *line),
            section.key()
        ))
        .hint(if text.contains("{{") {
            "quote the value that holds {{; if Helm should fill it in, render it first: helm template RELEASE CHART"
        } else {
            "fix that line, then run this again"
        }),
        EditError::NotEditable {
            section,
            line,
            reason,
            unreadable: None,
        } => lossy(format!(
            "{} cannot be edited without loss: {reason}",
            place(*section, *line)
        ))
        .hint("rewrite it there without that feature, then run this again"),
        EditError::UneditableEntry {
            section,
            line,
            reason,
        } => lossy(format!(
            "{} cannot be edited without loss: {reason}",
            place(*section, *line)
        ))
        .hint("fix or remove this entry first; awsauth get -o wide shows how it is read"),
        EditError::OtherList { arn, section, line } => {
            let place = line.map_or_else(|| section.key().to_owned(), |line| place(*section, line));
            let word = if *section == SectionName::Roles {
                "role"
            } else {
                "user"
            };
            Failure::refused(
                terminal::Refusal {
                    guard: "ARN",
                    reason: "other-list",
                },
                format!("{arn} is already listed in {place}"),
            )
            .hint(format!("remove it there first: awsauth unmap {word} {}", quoted(arn)))
        }
        EditError::NeedsUsername { principal } => {
            let name = short_name(principal);
            let suggestion = name.rsplit('/').next().unwrap_or_default();
            Failure::usage(format!(
                "a new mapping needs a username: {name} is not mapped yet"
            ))
            .hint(format!(
                "give its Kubernetes username, for example --username {suggestion}"
            ))
        }
        EditError::Invalid { .. } => Failure::usage(error),
        EditError::NoSuchLine { .. } => {
            Failure::usage(error).hint("see the lines: awsauth get -o wide")
        }
        EditError::Bug { .. } => Failure::bug(error),
    }
}

fn lossy(what: String) -> Failure {
    Failure::refused(
        terminal::Refusal {
            guard: "WG04",
            reason: "lossy-edit",
        },
        what,
    )
}
