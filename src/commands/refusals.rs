//! Why a plan is not made or not carried out, in words, with the next step.

use std::collections::BTreeSet;

use crate::document::SectionName;
use crate::document::edit::EditError;
use crate::edge::{self, Failure, Kind};
use crate::plan::Refusal;
use crate::render::short_name;
use crate::world::World;

/// The refusals of a plan, each with what would allow it.
pub(crate) fn refused(refusals: &[Refusal]) -> Failure {
    let line =
        |refusal: &Refusal| format!("refused ({}): {}", refusal.guard.reason(), refusal.message);
    let lines: Vec<String> = refusals.iter().map(line).collect();
    let overrides: BTreeSet<&str> = refusals
        .iter()
        .map(|refusal| refusal.allow.as_str())
        .collect();
    let failure = Failure::new(Kind::Refused, lines.join("\n"));
    overrides.into_iter().fold(failure, |failure, flag| {
        failure.hint(format!("if that is meant, add {flag}"))
    })
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
