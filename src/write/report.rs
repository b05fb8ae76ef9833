//! Reports what a transaction did, or would do.

use super::verify_or_roll_back::CheckOutcome;
use super::{Mode, Options};
use crate::access_check::CheckedAccess;
use crate::backend::{Backend, WriteOutcome};
use crate::github_step;
use crate::output::{
    PlanFormat, access_text, change_text, notices, outcomes, plan_summary, remarks, report_json,
    report_text, unchecked, verification_text,
};
use crate::terminal::{Failure, Out};
use awsauth_core::plan::Plan;

/// Prints the notes about a plan, whose access changes, and the outcome of each edit; for a dry run, the diff first.
pub(super) fn plan(
    plan: &Plan,
    outcome: WriteOutcome,
    options: &Options,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let lines = match options {
        Options {
            is_confirmed: true, ..
        } => Vec::new(),
        Options {
            prints_own_report: true,
            ..
        } => notices(plan),
        _ => remarks(plan),
    };
    let unchecked = unchecked(plan);
    for line in lines {
        match unchecked.contains(&line) {
            true => out.unchecked(&line),
            false => out.note(&line),
        }
    }
    if options.format == PlanFormat::Json {
        return Ok(());
    }
    let cluster = backend.eks_name();
    let suffix = match options.mode {
        Mode::Write => "",
        Mode::ServerDryRun => " (server dry run)",
        Mode::ClientDryRun => " (dry run)",
    };
    if options.mode.is_dry_run() {
        out.text(&report_text(plan, cluster))?;
    } else {
        out.detail(|| change_text(plan, cluster).trim_end().to_owned());
        if !options.is_confirmed {
            out.text(&access_text(plan))?;
        }
    }
    if outcome != WriteOutcome::Unchanged && !plan.is_change() {
        // Only the manifest around the planned sections changes.
        return Ok(());
    }
    for line in outcomes(plan, outcome == WriteOutcome::Created) {
        out.text(&format!("{line}{suffix}\n"))?;
    }
    Ok(())
}

/// Notes where aws-auth was written. The changes to access entries were reported one by one.
pub(super) fn destination(
    plan: &Plan,
    outcome: WriteOutcome,
    mode: Mode,
    backend: &Backend,
    out: &mut Out,
) {
    let destination = backend.destination();
    match outcome {
        WriteOutcome::Unchanged if plan.changes_entries() && mode.is_dry_run() => {
            out.note("Nothing was written.");
        }
        WriteOutcome::Unchanged => {}
        _ if mode.is_dry_run() => out.note("Nothing was written."),
        WriteOutcome::Created => {
            out.note(&format!("Created aws-auth on {destination}."));
            out.note("If a Terraform resource kubernetes_config_map is to manage it, import it first: terraform import ADDRESS kube-system/aws-auth");
        }
        WriteOutcome::Changed => out.note(&format!("Wrote aws-auth to {destination}.")),
    }
}

/// Prints the JSON report, or as text the user that the verification signed in as.
pub(super) fn answer(
    plan: &Plan,
    checked: Option<&CheckOutcome>,
    options: &Options,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let access = checked.and_then(|checked| checked.access.as_ref());
    let verification = access.map(CheckedAccess::verification);
    match options.format {
        PlanFormat::Json if options.prints_own_report => {}
        PlanFormat::Json => {
            let is_rolled_back = checked.is_some_and(CheckOutcome::is_rolled_back);
            let changed = plan.is_change() && !is_rolled_back;
            let report = report_json(plan, changed, backend.eks_name(), verification.as_ref());
            out.json(&report.map_err(|error| Failure::bug(&error))?)?;
        }
        PlanFormat::Human | PlanFormat::Github => {
            if let Some(verification) = &verification {
                out.text(&verification_text(verification, out.width()))?;
            }
        }
    }
    Ok(())
}

/// Adds the result to the summary of the GitHub Actions step, and sets its output `changed`.
pub(super) fn step(
    plan: &Plan,
    outcome: WriteOutcome,
    checked: Option<&CheckOutcome>,
    mode: Mode,
    backend: &Backend,
    out: &mut Out,
) {
    if mode.is_dry_run() {
        let changes = outcome != WriteOutcome::Unchanged || plan.changes_entries();
        return report_dry_run_step(plan, changes, backend, out);
    }
    let is_rolled_back = checked.is_some_and(CheckOutcome::is_rolled_back);
    let became = match outcome {
        _ if is_rolled_back => "This was written, could not be verified, and was rolled back.",
        WriteOutcome::Unchanged if plan.changes_entries() => "Changed.",
        WriteOutcome::Unchanged => "No change was needed.",
        WriteOutcome::Created => "Created.",
        WriteOutcome::Changed => "Changed.",
    };
    let access = checked.and_then(|checked| checked.access.as_ref());
    let verification = access.map(CheckedAccess::verification);
    let summary = plan_summary(plan, &backend.to_string(), became, verification.as_ref());
    github_step::summarize(&summary, out);
    let is_change = outcome != WriteOutcome::Unchanged || plan.changes_entries();
    let changed = is_change && !is_rolled_back;
    github_step::set_outputs(&[("changed", changed.to_string())], out);
}

/// The same for a plan that is only shown.
pub(crate) fn report_dry_run_step(plan: &Plan, changes: bool, backend: &Backend, out: &mut Out) {
    let became = match changes {
        true => "This would change; nothing was written.",
        false => "Nothing would change.",
    };
    let summary = plan_summary(plan, &backend.to_string(), became, None);
    github_step::summarize(&summary, out);
    github_step::set_outputs(&[("changed", changes.to_string())], out);
}
