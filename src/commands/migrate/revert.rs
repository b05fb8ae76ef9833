//! `migrate --revert`: deletes the access entries that `--apply` created.

use super::apply::is_of;
use super::caller_proof::CallerProof;
use super::{Args, State, print_result, require_eks};
use crate::backend::Backend;
use crate::commands::confirmation::confirm;
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::access_entries::migrate::{self, Masters, Verdict};
use awsauth_core::access_entries::{Operation, is_changed};
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;

pub(super) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    require_eks(backend)?;
    let state = State::read(backend, out)?;
    let planned = state.plan(args, None, backend)?;
    let entries = state.access_entries.as_deref();
    if entries.is_some_and(|entries| entries.mode() == AuthenticationMode::Api) {
        return Err(Failure::new(
            Kind::Refused,
            "in authentication mode API, the cluster ignores aws-auth: without its access entry, a principal could not sign in",
        ));
    }
    let all = entries
        .and_then(|entries| entries.all())
        .unwrap_or_default();
    let is_migrated = |entry: &&AccessEntry| entry.terms.as_ref().is_some_and(migrate::is_migrated);
    let is_same = |entry: &AccessEntry| {
        let mut items = planned.items.iter();
        is_changed(entry) != Some(true)
            && items.any(|item| {
                matches!(item.verdict, Verdict::AlreadyThere { .. })
                    && item.entry.as_ref() == Some(entry)
            })
    };
    let (same, changed): (Vec<&AccessEntry>, Vec<&AccessEntry>) = all
        .iter()
        .filter(is_migrated)
        .partition(|entry| is_same(entry));
    for entry in &changed {
        let reason = match is_changed(entry) {
            Some(true) => "another client changed it",
            _ => "aws-auth does not give the same access",
        };
        out.note(&format!(
            "Kept: the access entry of {}, because {reason}.",
            entry.principal_arn
        ));
    }
    if same.is_empty() {
        out.note("Nothing to do: no access entry was created from aws-auth and is still the same.");
        return Ok(Exit::Done);
    }
    let question = format!("Delete {} access entries on {backend}?", same.len());
    confirm(&question, args.yes, backend, out)?;
    let proof = CallerProof::prepare(backend, out)?;
    let delete = |entry: &&AccessEntry| Operation::DeleteEntry {
        principal_arn: entry.principal_arn.clone(),
    };
    let (own, others): (Vec<Operation>, Vec<Operation>) = same
        .iter()
        .map(delete)
        .partition(|operation| is_of(operation, state.caller.as_deref()));
    backend.execute(&others, out)?;
    if !own.is_empty() {
        move_caller_back(&own, &same, &proof, backend, out)?;
    }
    if let Masters::Group(group) = args.masters.clone().unwrap_or_default()
        && !is_used(&group, all, &same)
    {
        backend.execute(&[Operation::UnbindClusterAdmin { group }], out)?;
    }
    print_result(args, backend, out)?;
    Ok(Exit::Done)
}

/// Whether an access entry that stays has the group.
fn is_used(group: &String, all: &[AccessEntry], deleted: &[&AccessEntry]) -> bool {
    let mut kept = all.iter().filter(|entry| !deleted.contains(entry));
    kept.any(|entry| {
        let terms = entry.terms.as_ref();
        terms.is_none_or(|terms| terms.groups.contains(group))
    })
}

/// Deletes the caller's own access entry, and creates it again if the caller cannot sign in as before.
fn move_caller_back(
    operations: &[Operation],
    before: &[&AccessEntry],
    proof: &CallerProof,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    backend.execute(operations, out)?;
    let failure = match proof.check(false, backend.timeout(), out) {
        Ok(()) => {
            out.note("You signed in by aws-auth, with the same username and rights.");
            return Ok(());
        }
        Err(failure) => failure.at("aws-auth does not give you your access"),
    };
    let restore: Vec<Operation> = operations
        .iter()
        .filter_map(|operation| {
            let mut before = before.iter();
            let entry =
                before.find(|entry| operation.principal_arn() == Some(&entry.principal_arn))?;
            operation.inverse(Some(entry))
        })
        .flatten()
        .collect();
    Err(match backend.roll_back(&restore, out) {
        Ok(_) => failure
            .of_kind(Kind::RolledBack)
            .note("your access entry was created again"),
        Err(obstacle) => failure.of_kind(Kind::NotRolledBack).note(format!(
            "your access entry could not be created again: {}",
            obstacle.message()
        )),
    })
}
