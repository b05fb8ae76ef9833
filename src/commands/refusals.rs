//! Why a plan is not made or not carried out, in words, with the next step.

use std::collections::BTreeSet;

use crate::cluster::shell::quoted;
use crate::document::SectionName;
use crate::document::edit::EditError;
use crate::edge::{self, Failure, Kind, Out};
use crate::plan::{Facts, Guard, Known, Refusal};
use crate::render::short_name;
use crate::world::World;

/// The refusals of a plan, with all that would allow it.
pub(crate) fn refused(refusals: &[Refusal]) -> Failure {
    let lines: Vec<String> = refusals.iter().map(line).collect();
    let overrides: BTreeSet<&str> = refusals
        .iter()
        .map(|refusal| refusal.allow.as_str())
        .collect();
    let overrides: Vec<&str> = overrides.into_iter().collect();
    Failure::new(Kind::Refused, lines.join("\n"))
        .hint(format!("if that is meant, add {}", overrides.join(" ")))
}

/// The API server would not let the caller write.
pub(crate) fn no_permission(world: &World, facts: &Facts) -> Failure {
    let kubectl = world.kubectl();
    let user = match &facts.caller {
        Known::Is(caller) => caller.user.username.as_str(),
        Known::NotAsked | Known::Unknown { .. } => "USER",
    };
    let what = format!("cannot write aws-auth of {world}");
    let why = format!("user {user} may not update configmaps/aws-auth in kube-system");
    Failure::new(Kind::Unreachable, format!("{what}: {why}"))
        .hint(format!(
            "see what you may do, or ask somebody who may: {kubectl} auth can-i update configmaps/aws-auth -n kube-system"
        ))
        .hint(format!(
            "whoever may give permissions gives this one: {kubectl} create role awsauth -n kube-system --verb=get,update \
             --resource=configmaps --resource-name=aws-auth --resource-name=awsauth-history && {kubectl} create rolebinding awsauth \
             -n kube-system --role=awsauth --user={}",
            quoted(user)
        ))
}

/// Has whoever is there type the name of the cluster that would be left without an administrator.
pub(crate) fn confirm_no_admin(world: &World, out: &mut Out) -> Result<(), Failure> {
    let question = format!(
        "Nobody who is known would remain who can administer {world}. Type its name to go on:"
    );
    if world.ask_for_name(&question, out)? {
        return Ok(());
    }
    let guard = Guard::LastAdmin;
    let refusal = edge::Refusal {
        guard: guard.id(),
        reason: guard.reason(),
    };
    Err(Failure::refused(
        refusal,
        "that is not its name; nothing was written",
    ))
}

/// A refusal on one line.
pub(crate) fn line(refusal: &Refusal) -> String {
    format!("refused ({}): {}", refusal.guard.reason(), refusal.message)
}

/// Why edits can't be made of the document that was read last.
pub(crate) fn edit_failure(error: &EditError, world: &World) -> Failure {
    let place = |section: SectionName, line: usize| match world.file_line(section, line) {
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
            "quote the value that holds {{; if Helm is to fill it in, render it first: helm template RELEASE CHART"
        } else {
            "mend that line, then run this again"
        }),
        EditError::NotEditable {
            section,
            line,
            reason,
            unreadable: None,
        } => lossy(format!(
            "{} can't be edited without loss: {reason}",
            place(*section, *line)
        ))
        .hint("write it out plainly there, then run this again"),
        EditError::OddEntry {
            section,
            line,
            reason,
        } => lossy(format!(
            "{} can't be edited without loss: {reason}",
            place(*section, *line)
        ))
        .hint("mend or remove this entry first; awsauth get -o wide shows how it is read"),
        EditError::OtherList { arn, section, line } => {
            let place = line.map_or_else(|| section.key().to_owned(), |line| place(*section, line));
            let word = if *section == SectionName::Roles {
                "role"
            } else {
                "user"
            };
            Failure::refused(
                edge::Refusal {
                    guard: "ARN",
                    reason: "other-list",
                },
                format!("{arn} stands in {place} already"),
            )
            .hint(format!("remove it there first: awsauth unmap {word} {arn}"))
        }
        EditError::NeedsUsername { principal } => {
            let name = short_name(principal);
            let suggestion = name.rsplit('/').next().unwrap_or_default();
            Failure::usage(format!(
                "a new mapping needs a username: {name} is not mapped yet"
            ))
            .hint(format!(
                "name the Kubernetes user it becomes, for instance --username {suggestion}"
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
        edge::Refusal {
            guard: "WG04",
            reason: "lossy-edit",
        },
        what,
    )
}
