//! `nodes --fix`: maps the roles that nothing maps.

use super::Args;
use crate::backend::Backend;
use crate::commands::Format;
use crate::commands::confirmation::confirm;
use crate::commands::write_args::DryRun;
use crate::terminal::{Failure, Out};
use crate::write::{Options, write_edits};
use awsauth_core::access_entries::Operation;
use awsauth_core::document::edit::Edit;
use awsauth_core::node_report::{Fix, NodeReport};

/// Maps the roles that nothing maps. Returns whether something was changed.
pub(super) fn run(
    args: &Args,
    found: &NodeReport<'_>,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<bool, Failure> {
    let (edits, operations) = changes(found);
    if edits.is_empty() && operations.is_empty() {
        out.note("Nothing to map: see above for what needs a decision.");
        return Ok(false);
    }
    let is_dry_run = args.fix.dry_run != DryRun::None;
    if !operations.is_empty() && !is_dry_run {
        let count = operations.len();
        let noun = if count == 1 { "call" } else { "calls" };
        let question = format!("Change access entries on {backend}, with {count} {noun} of EKS?");
        confirm(&question, args.fix.yes, backend, out)?;
    }
    if !edits.is_empty() {
        let format = args.answer.output;
        let options = Options {
            prints_own_report: format == Format::Json,
            ..args.fix.write_args(format).options(backend)
        };
        write_edits(edits, true, &options, backend, out)?;
    }
    if operations.is_empty() {
        return Ok(!is_dry_run);
    }
    if is_dry_run {
        let cluster = backend.eks().map_or("", |eks| eks.facts.name.as_str());
        for operation in &operations {
            out.note(&format!("Would run: {}", operation.command(cluster)));
        }
        return Ok(false);
    }
    backend.execute(&operations, out)?;
    Ok(true)
}

/// Returns whether [`run`] fixes every problem.
pub(super) fn is_complete(found: &NodeReport<'_>) -> bool {
    let mut problems = found.roles.iter().filter(|role| role.state.is_problem());
    problems.all(|role| !matches!(role.fix, Some(Fix::Advice(_)) | None))
}

fn changes(found: &NodeReport<'_>) -> (Vec<Edit>, Vec<Operation>) {
    let (mut edits, mut operations) = (Vec::new(), Vec::new());
    for role in &found.roles {
        match &role.fix {
            Some(Fix::AwsAuth(edit)) => edits.push(edit.clone()),
            Some(Fix::AccessEntry(needed)) => operations.extend(needed.iter().cloned()),
            Some(Fix::Advice(_)) | None => {}
        }
    }
    (edits, operations)
}
