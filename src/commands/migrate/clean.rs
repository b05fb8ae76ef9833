//! `migrate --clean`: removes from aws-auth what access entries answer for.

use super::{Args, State, require_eks};
use crate::backend::Backend;
use crate::commands::Format;
use crate::commands::confirmation::confirm;
use crate::output::PlanFormat;
use crate::terminal::{Exit, Failure, Out};
use crate::write::{Options, write_edits};
use awsauth_core::access_entries::migrate::{Item, Unchecked, Verdict, lacks_admin_rights};
use awsauth_core::document::Principal;
use awsauth_core::document::edit::Edit;

pub(super) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    require_eks(backend)?;
    let state = State::read(backend, out)?;
    let planned = state.plan(args, None, backend)?;
    let is_same = |item: &&Item<'_>| {
        let admins = state.admins.as_ref();
        matches!(item.verdict, Verdict::AlreadyThere { .. })
            && !item.unchecked.contains(&Unchecked::Age)
            && admins.is_some_and(|admins| !lacks_admin_rights(item, admins))
    };
    let (same, others): (Vec<&Item<'_>>, Vec<&Item<'_>>) =
        planned.items.iter().partition(|item| is_same(item));
    let kept = others.iter().filter(|item| {
        let verdict = &item.verdict;
        !matches!(verdict, Verdict::NotMigrated { .. })
    });
    for item in kept {
        out.note(&format!(
            "Kept: {}, because it is not certain that an access entry gives the same access.",
            item.name()
        ));
    }
    let mut principals: Vec<Principal> = Vec::new();
    for item in same {
        if !principals.contains(&item.mapping.principal) {
            principals.push(item.mapping.principal.clone());
        }
    }
    if principals.is_empty() {
        out.note("Nothing to do: aws-auth maps no principal that has an access entry with the same access.");
        return Ok(Exit::Done);
    }
    let question = format!(
        "Remove {} principals from aws-auth on {backend}?",
        principals.len()
    );
    confirm(&question, args.yes, backend, out)?;
    let edits = principals.into_iter().map(|principal| Edit::Unmap {
        principal,
        only_line: None,
    });
    let options = Options {
        format: match args.answer.output {
            Format::Human => PlanFormat::Human,
            Format::Json => PlanFormat::Json,
        },
        ..Options::guarded("awsauth migrate --clean")
    };
    write_edits(edits.collect(), false, &options, backend, out)?;
    Ok(Exit::Done)
}
