//! `migrate --revert`: deletes the access entries that `--apply` created.

use super::apply::is_of;
use super::caller_access_check::CallerProof;
use super::{
    Args, State, cluster_name, end_dry_run, print_result, refuse_changed_plan, require_eks,
};
use crate::backend::Backend;
use crate::commands::confirmation::{confirm, show_removals};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::access_entries::migrate::{self, Masters, Verdict};
use awsauth_core::access_entries::{Operation, is_changed};
use awsauth_core::authenticator::{AccessEntries, Store};
use awsauth_core::document::Document;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::shell_quote::quoted;

pub(super) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    require_eks(backend)?;
    let state = State::read_with_own_access(args, backend, out)?;
    let migrated = Migrated::of(&state, args, backend)?;
    let mut is_only_entry = false;
    for entry in &migrated.changed {
        let reason = match is_changed(entry) {
            Some(true) if migrate::finished(entry).is_none() => "another client changed it",
            _ => {
                is_only_entry = true;
                "aws-auth does not give the same access"
            }
        };
        out.note(&format!(
            "Kept: the access entry of {}, because {reason}.",
            entry.principal_arn
        ));
    }
    if is_only_entry {
        let name = quoted(cluster_name(backend));
        out.note(&format!(
            "hint: if --clean removed it from aws-auth, undo that first: awsauth history --cluster-name {name}, then awsauth undo REVISION --cluster-name {name}"
        ));
    }
    let group = match args.masters.clone().unwrap_or_default() {
        Masters::Group(group) => Some(group),
        Masters::Policy => None,
    };
    let same = migrated.same;
    if same.is_empty() {
        let is_admin = |group: &String| {
            let admins = state.admins.as_ref();
            admins.is_some_and(|admins| admins.groups.contains(group))
        };
        match group.filter(is_admin) {
            Some(group) if has_members(&group, &state, &same) => out.note(&kept(&group)),
            // An earlier run stopped before it deleted the binding.
            Some(group) if args.is_dry_run() => {
                let planned = state.plan(args, None, backend)?;
                let unbind = vec![Operation::UnbindClusterAdmin { group }];
                return end_dry_run(planned, unbind, args, backend, out);
            }
            Some(group) => {
                let question = format!("Delete the ClusterRoleBinding {group} on {backend}?");
                confirm(&question, args.yes, backend, out)?;
                unbind(group, &same, backend, out)?;
            }
            None => out.note(
                "Nothing to do: no unchanged access entry that was created from aws-auth is left.",
            ),
        }
        return Ok(Exit::Done);
    }
    let has_group = |group: &String| {
        let mut terms = same.iter().filter_map(|entry| entry.terms.as_ref());
        terms.any(|terms| terms.groups.contains(group))
    };
    let group = group.filter(has_group);
    let deletion = |entry: &AccessEntry| Operation::DeleteEntry {
        principal_arn: entry.principal_arn.clone(),
    };
    let deleted = same.iter().map(|entry| entry.principal_arn.clone());
    let unbound = group
        .iter()
        .filter(|group| !has_members(group, &state, &same));
    if args.is_dry_run() {
        let unbind = |group: &String| Operation::UnbindClusterAdmin {
            group: group.clone(),
        };
        let (own, others): (Vec<_>, Vec<_>) = same
            .iter()
            .map(deletion)
            .partition(|operation| is_of(operation, state.caller.as_deref()));
        let operations = others.into_iter().chain(own).chain(unbound.map(unbind));
        let planned = state.plan(args, None, backend)?;
        return end_dry_run(planned, operations.collect(), args, backend, out);
    }
    let unbound = unbound.map(|group| format!("the ClusterRoleBinding {group}"));
    let what = "aws-auth gives the same access as these access entries, which would be deleted";
    show_removals(
        what,
        &deleted.chain(unbound).collect::<Vec<_>>(),
        args.yes,
        out,
    );
    let question = format!("Delete {} access entries on {backend}?", same.len());
    confirm(&question, args.yes, backend, out)?;
    let proof = CallerProof::prepare(backend, out)?;
    // Another client may have changed either store while the user read the question.
    let state = State::read(backend, out)?;
    refuse_changed_plan(&same, &Migrated::of(&state, args, backend)?.same)?;
    let deletions: Vec<Operation> = same.iter().map(deletion).collect();
    backend.record_operations(&deletions, &same, &args.history_options(), out)?;
    let (own, others): (Vec<Operation>, Vec<Operation>) = deletions
        .into_iter()
        .partition(|operation| is_of(operation, state.caller.as_deref()));
    backend.execute(&others, out)?;
    if !own.is_empty() {
        move_caller_back(&own, &same, &proof, backend, out)?;
    }
    if let Some(group) = group {
        unbind(group, &same, backend, out)?;
    }
    print_result(args, backend, out)?;
    Ok(Exit::Done)
}

/// The access entries that `--apply` created.
struct Migrated {
    /// Those for which aws-auth still gives the same access.
    same: Vec<AccessEntry>,
    changed: Vec<AccessEntry>,
}

impl Migrated {
    /// Returns the entries.
    ///
    /// # Errors
    /// If the cluster ignores aws-auth, or if the user's options do not match.
    fn of(state: &State, args: &Args, backend: &Backend) -> Result<Self, Failure> {
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
        let is_migrated =
            |entry: &&AccessEntry| entry.terms.as_ref().is_some_and(migrate::is_migrated);
        let is_same = |entry: &AccessEntry| {
            planned.items.iter().any(|item| match item.verdict {
                Verdict::AlreadyThere { .. } => {
                    is_changed(entry) != Some(true) && item.entry.as_ref() == Some(entry)
                }
                Verdict::Unfinished { .. } => item.entry == migrate::finished(entry),
                _ => false,
            })
        };
        let (same, changed) = all.iter().filter(is_migrated).cloned().partition(is_same);
        Ok(Self { same, changed })
    }
}

/// Deletes the binding of the group that replaced `system:masters`, unless a principal still has the group.
fn unbind(
    group: String,
    deleted: &[AccessEntry],
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    // Reads both stores after the deletions, because another client may have given the group to a principal.
    let document = Document::read(&backend.read(out)?.snapshot.data);
    let entries = backend.access_configuration(out);
    let entries = entries.as_deref().and_then(AccessEntries::all);
    if may_have_members(&group, &document, entries, deleted) {
        out.note(&kept(&group));
        return Ok(());
    }
    backend
        .execute(&[Operation::UnbindClusterAdmin { group }], out)
        .map(drop)
}

fn kept(group: &str) -> String {
    format!(
        "Kept: the ClusterRoleBinding {group}, because aws-auth or an access entry uses its group, or could not be read."
    )
}

/// Returns whether a principal keeps the group after these access entries are deleted, or may do so.
fn has_members(group: &str, state: &State, deleted: &[AccessEntry]) -> bool {
    let entries = state.access_entries.as_deref().and_then(AccessEntries::all);
    may_have_members(group, &state.document, entries, deleted)
}

/// Returns whether aws-auth or an access entry gives the group to a principal, or something that could not be read may do so.
/// EKS may still list the deleted entries.
fn may_have_members(
    group: &str,
    document: &Document,
    entries: Option<&[AccessEntry]>,
    deleted: &[AccessEntry],
) -> bool {
    let in_aws_auth = Store::new(document)
        .slots()
        .iter()
        .any(|slot| slot.mapping.groups().iter().any(|own| own == group));
    let is_deleted = |entry: &AccessEntry| {
        let mut deleted = deleted.iter();
        deleted.any(|deleted| deleted.principal_arn == entry.principal_arn)
    };
    let in_entries = entries.is_none_or(|entries| {
        let mut entries = entries.iter().filter(|entry| !is_deleted(entry));
        entries.any(|entry| {
            let terms = entry.terms.as_ref();
            terms.is_none_or(|terms| terms.groups.iter().any(|own| own == group))
        })
    });
    in_aws_auth || in_entries || document.sections().any(|section| section.is_unreadable())
}

/// Deletes the caller's own access entry, and creates it again if the caller cannot sign in as before.
fn move_caller_back(
    operations: &[Operation],
    before: &[AccessEntry],
    proof: &CallerProof,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    backend.execute(operations, out)?;
    let failure = match proof.check(false, backend.timeout(), out) {
        Ok(()) => {
            out.note("You signed in through aws-auth, with the same username and permissions.");
            return Ok(());
        }
        Err(failure) => failure.at("you do not get the same access through aws-auth"),
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
