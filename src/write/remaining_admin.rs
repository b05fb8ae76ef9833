//! Checks that an administrator remains, by what both stores contain now.
//!
//! EKS has no conditional writes. Two clients that each remove an administrator could each count on the one that the other
//! removes. So each reads both stores directly before it removes access entries, and again after the write.

use super::PlanBuilder;
use super::plan_builder::ROUNDS_OF_QUESTIONS;
use super::plan_failures::refused;
use super::verify_or_roll_back::{NotRestored, restore};
use crate::backend::{Backend, WriteOutcome};
use crate::terminal::{Failure, Kind, Out};
use awsauth_core::access_entries::{EntryChange, changed};
use awsauth_core::document::Document;
use awsauth_core::plan::Refusal;

/// Refuses changes to access entries if no administrator would remain, because of what other clients have changed since the plan.
///
/// # Errors
/// The refusal, or an interrupt.
pub(super) fn refuse_if_none(
    planner: &PlanBuilder<'_>,
    changes: &[EntryChange],
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    match check(planner, changes, backend, out)? {
        Some(refusal) => {
            Err(refused(&[refusal])
                .note("another client has removed administrators in the meantime"))
        }
        None => Ok(()),
    }
}

/// Restores what was written if no administrator remains, because other clients removed the others at the same time.
///
/// # Errors
/// The refusal, with what was restored, or an interrupt.
pub(super) fn restore_if_none(
    planner: &PlanBuilder<'_>,
    outcome: WriteOutcome,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let Some(plan) = planner.last_plan() else {
        return Ok(());
    };
    let Some(refusal) = check(planner, &plan.stages.last, backend, out)? else {
        return Ok(());
    };
    let failure =
        refused(&[refusal]).note("another client removed administrators at the same time");
    Err(match restore(plan, outcome, backend, out) {
        Ok(()) => failure
            .of_kind(Kind::RolledBack)
            .note("what this command had removed was restored"),
        Err(NotRestored::Entries(obstacle) | NotRestored::AwsAuth(obstacle)) => failure
            .of_kind(Kind::NotRolledBack)
            .note(format!("what was written stays: {}", obstacle.message()))
            .hint("restore it: awsauth undo"),
    })
}

/// Returns the refusal of `last-admin` for what is stored now, with these changes made. Skips the check if the plan removes no
/// administrator, or the user allows to remove the last one.
fn check(
    planner: &PlanBuilder<'_>,
    changes: &[EntryChange],
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Option<Refusal>, Failure> {
    let plan = planner.last_plan().filter(|plan| plan.takes_admin);
    let Some(plan) = plan.filter(|_| !planner.allow().no_admin) else {
        return Ok(None);
    };
    let entries = backend.access_entries(&|_| true, out);
    let Some(entries) = entries.filter(|entries| entries.all().is_some()) else {
        out.unchecked("Not checked: whether other clients removed the other administrators at the same time, which needs permission to list access entries.");
        return Ok(None);
    };
    let document = match backend.read(out) {
        Ok(read) => Document::read(&read.snapshot.data),
        // The plan may have removed the caller's access.
        Err(failure) => {
            out.detail(|| failure.message());
            plan.after().clone()
        }
    };
    let entries = changed(&entries, changes);
    let mut facts = planner.facts().clone();
    for _ in 0..ROUNDS_OF_QUESTIONS {
        let (refusal, questions) = plan.check_stored(&document, &entries, &facts, planner.allow());
        if questions.is_empty() {
            return Ok(refusal);
        }
        backend.answer_questions(&questions, &mut facts, out)?;
    }
    Ok(None)
}
