//! `migrate --clean`: removes from aws-auth what access entries replace.

use super::{Args, State, is_over, refuse_changed_plan, require_eks};
use crate::backend::Backend;
use crate::commands::Format;
use crate::commands::confirmation::{confirm, show_removals};
use crate::output::{PlanFormat, short_name};
use crate::terminal::{Exit, Failure, Out};
use crate::write::{Options, write_edits};
use awsauth_core::access_entries::migrate::{
    Item, MigrationPlan, Unchecked, Verdict, lacks_admin_rights,
};
use awsauth_core::document::Principal;
use awsauth_core::document::edit::Edit;

pub(super) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    require_eks(backend)?;
    if is_over(backend, out) {
        return Ok(Exit::Done);
    }
    let state = State::read(backend, out)?;
    let planned = state.plan(args, None, backend)?;
    let kept = planned.items.iter().filter(|item| {
        let verdict = &item.verdict;
        !matches!(verdict, Verdict::NotMigrated { .. }) && !is_replaced(item, &state)
    });
    for item in kept {
        let reason = match item.verdict {
            Verdict::AlreadyThere { .. } => {
                "it is not certain that its access entry gives the same access"
            }
            _ => "it has no access entry with the same access",
        };
        out.note(&format!("Kept: {}, because {reason}.", item.name()));
    }
    let principals = replaced(&planned, &state);
    if principals.is_empty() {
        out.note("Nothing to do: aws-auth maps no principal that has an access entry with the same access.");
        return Ok(Exit::Done);
    }
    let mode = args.dry_run.mode(backend);
    let options = Options {
        mode,
        format: match args.answer.output {
            Format::Human => PlanFormat::Human,
            Format::Json => PlanFormat::Json,
        },
        ..Options::guarded(args.reason.as_deref().unwrap_or("awsauth migrate --clean"))
    };
    if args.is_dry_run() {
        write_edits(removals(principals), false, &options, backend, out)?;
        return Ok(Exit::Done);
    }
    let names: Vec<String> = principals.iter().map(short_name).collect();
    let what =
        "These have an access entry with the same access, and would be removed from aws-auth";
    show_removals(what, &names, args.yes, out);
    let question = format!(
        "Remove {} principals from aws-auth on {backend}?",
        principals.len()
    );
    confirm(&question, args.yes, backend, out)?;
    // Another client may have changed either store while the user read the question.
    let state = State::read(backend, out)?;
    let planned = state.plan(args, None, backend)?;
    refuse_changed_plan(&principals, &replaced(&planned, &state))?;
    write_edits(removals(principals), false, &options, backend, out)?;
    Ok(Exit::Done)
}

fn removals(principals: Vec<Principal>) -> Vec<Edit> {
    let removals = principals.into_iter().map(|principal| Edit::Unmap {
        principal,
        only_line: None,
    });
    removals.collect()
}

/// Returns the principals in aws-auth that have the same access through an access entry.
fn replaced(planned: &MigrationPlan<'_>, state: &State) -> Vec<Principal> {
    let mut principals: Vec<Principal> = Vec::new();
    for item in planned.items.iter().filter(|item| is_replaced(item, state)) {
        if !principals.contains(&item.mapping.principal) {
            principals.push(item.mapping.principal.clone());
        }
    }
    principals
}

/// Returns whether it is certain that an access entry gives the same access.
fn is_replaced(item: &Item<'_>, state: &State) -> bool {
    let admins = state.admins.as_ref();
    matches!(item.verdict, Verdict::AlreadyThere { .. })
        && !item.unchecked.contains(&Unchecked::Age)
        && admins.is_some_and(|admins| !lacks_admin_rights(item, admins))
}
