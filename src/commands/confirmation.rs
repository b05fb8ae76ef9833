//! Confirmation prompts.

use crate::backend::Backend;
use crate::output::short_name;
use crate::terminal::{Failure, Kind, Out, Refusal};
use crate::write::edit_failure;
use awsauth_core::document::edit::{Edit, Outcome};
use awsauth_core::plan::{Plan, Request};

/// What the mode `API_AND_CONFIG_MAP` makes the cluster do, as part of a sentence.
pub(super) const READS_ENTRIES: &str = "read access entries from now on";

/// Asks the user to confirm a change of the cluster. Does not prompt without a terminal.
///
/// # Errors
/// If the user answers no.
pub(super) fn confirm(
    question: &str,
    yes: bool,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    if yes || !out.can_ask() || backend.ask(question, out)? {
        return Ok(());
    }
    Err(declined("changed"))
}

/// Lists what a change removes, before the prompt. If there is no prompt, the result lists it.
pub(super) fn show_removals(what: &str, removed: &[String], yes: bool, out: &mut Out) {
    if !yes && out.can_ask() {
        list_removals(what, removed, out);
    }
}

/// Prints what a change removes.
pub(super) fn list_removals(what: &str, removed: &[String], out: &mut Out) {
    if removed.is_empty() {
        return;
    }
    out.note(&format!("{what}:"));
    for one in removed {
        out.note(&format!("  {one}"));
    }
}

/// Returns the error for an answer of no. `done` is `changed` or `written`.
pub(super) fn declined(done: &str) -> Failure {
    Failure::new(
        Kind::Refused,
        format!("the answer was no; nothing was {done}"),
    )
    .hint("to skip the question, add --yes")
}

/// Asks for the cluster's name before a change that EKS cannot reverse. `consequence` follows the cluster's name in the prompt.
///
/// # Errors
/// If the user types another name, or there is no terminal.
pub(super) fn confirm_irreversible(
    consequence: &str,
    yes: bool,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !out.can_ask() {
        return Err(Failure::new(
            Kind::Refused,
            format!("the cluster would {consequence}, which EKS cannot reverse"),
        )
        .hint("if this is intended, add --yes"));
    }
    let question = format!(
        "This makes {backend} {consequence}, which EKS cannot reverse. Type the cluster's name to continue:"
    );
    match backend.ask_for_name(&question, out)? {
        true => Ok(()),
        false => Err(Failure::new(
            Kind::Refused,
            "the name does not match; nothing was changed",
        )),
    }
}

/// Lists what the request would remove, and asks for confirmation. Does not ask if it would remove nothing.
///
/// # Errors
/// If the user answers no, or the edits are impossible.
pub(super) fn confirm_removals(
    request: &Request,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let reading = backend.read(out)?;
    let plan =
        Plan::new(&reading.snapshot, request).map_err(|error| edit_failure(&error, backend))?;
    let removed = plan.outcomes.iter().filter_map(|(edit, outcome)| {
        let is_removal = matches!(edit, Edit::Unmap { .. }) && *outcome != Outcome::Absent;
        is_removal.then(|| short_name(edit.principal()))
    });
    let entries = request.pruned_entries.iter();
    let entries = entries.map(|arn| format!("the access entry of {arn}"));
    let removed: Vec<String> = removed.chain(entries).collect();
    let question = || match request.pruned_entries.is_empty() {
        true => format!("Remove {} from aws-auth in {backend}?", removed.join(", ")),
        false => format!("Remove {} from {backend}?", removed.join(", ")),
    };
    if removed.is_empty() || backend.ask(&question(), out)? {
        return Ok(());
    }
    Err(not_confirmed())
}

/// Returns the error if the user does not confirm removals.
pub(super) fn not_confirmed() -> Failure {
    Failure::refused(
        Refusal {
            guard: "WG09",
            reason: "mass-removal",
        },
        "the answer was no; nothing was written",
    )
    .hint("to skip the question, add --yes")
}
