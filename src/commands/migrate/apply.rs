//! `migrate --apply`: creates the access entries.

use jiff::Timestamp;

use super::caller_access_check::CallerProof;
use super::{
    Args, State, View, command, is_over, print, print_result, refuse_changed_plan,
    refuse_obstacles, require_eks,
};
use crate::backend::Backend;
use crate::commands::Format;
use crate::commands::confirmation::{READS_ENTRIES, confirm, confirm_irreversible};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::migrate::MigrationPlan;
use awsauth_core::arn::is_same_principal;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::groups::MASTERS;

pub(super) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    require_eks(backend)?;
    let run = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let state = State::read_with_own_access(args, backend, out)?;
    let planned = state.plan(args, Some(&run), backend)?;
    if args.answer.output == Format::Human {
        print(&planned, None, View::Plan, Format::Human, backend, out)?;
    }
    if is_over(backend, out) {
        print_result(args, backend, out)?;
        return Ok(Exit::Done);
    }
    refuse_obstacles(&planned)?;
    if planned.operations.is_empty() {
        out.note("Nothing to do: every access entry that can replace a mapping exists.");
        return finish(args, backend, out);
    }
    if args.is_dry_run() {
        print_result(args, backend, out)?;
        out.note("Dry run: nothing was changed.");
        return Ok(Exit::Done);
    }
    confirm_plan(&planned, args, backend, out)?;
    let proof = CallerProof::prepare(backend, out)?;
    // Another client may have changed either store while the user read the question.
    let confirmed = planned.operations;
    let state = State::read(backend, out)?;
    let planned = state.plan(args, Some(&run), backend)?;
    refuse_changed_plan(&confirmed, &planned.operations)?;
    let was_admin = is_caller_admin(&planned, state.caller.as_deref());
    let (operations, existing) = match planned.operations.iter().position(updates_mode) {
        None => (planned.operations, state.existing().to_vec()),
        Some(at) => {
            // The update takes minutes, and the run may be killed in the meantime.
            let (from, to) = (
                AuthenticationMode::ConfigMap,
                AuthenticationMode::ApiAndConfigMap,
            );
            backend.record_mode(from, to, &args.history_options(), out)?;
            backend.execute(&planned.operations[..=at], out)?;
            backend.describe_again(out)?;
            // EKS may have created access entries itself, which now take precedence.
            let state = State::read(backend, out)?;
            let again = state.plan(args, Some(&run), backend)?;
            refuse_obstacles(&again)?;
            refuse_unconfirmed(&planned.operations, &again.operations, backend)?;
            (again.operations, state.existing().to_vec())
        }
    };
    backend.record_operations(&operations, &existing, &args.history_options(), out)?;
    let (own, others): (Vec<Operation>, Vec<Operation>) = operations
        .into_iter()
        .partition(|operation| is_of(operation, state.caller.as_deref()));
    backend.execute(&others, out)?;
    if !own.is_empty() {
        move_caller(&own, &proof, was_admin, backend, out)?;
    }
    finish(args, backend, out)
}

/// Refuses operations that were not in the plan that the user confirmed: aws-auth or the access entries have changed
/// during the update of the authentication mode, which takes minutes.
fn refuse_unconfirmed(
    confirmed: &[Operation],
    next: &[Operation],
    backend: &Backend,
) -> Result<(), Failure> {
    match next.iter().find(|operation| !confirmed.contains(operation)) {
        None => Ok(()),
        Some(operation) => Err(Failure::new(
            Kind::Conflict,
            format!(
                "aws-auth or the access entries changed during the update, and the plan has changed: {}",
                operation.what_holds_after()
            ),
        )
        .note("the authentication mode was updated; awsauth created no access entry")
        .hint(format!(
            "check the new plan and continue: {}",
            command("--apply", backend)
        ))),
    }
}

/// Prints the state afterwards.
fn finish(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    print_result(args, backend, out)?;
    out.note(&format!(
        "aws-auth is unchanged. To check the result: {}; to delete the new access entries: {}",
        command("--check", backend),
        command("--revert", backend)
    ));
    Ok(Exit::Done)
}

/// Creates the caller's own access entry, and deletes it if the caller cannot sign in as before.
fn move_caller(
    operations: &[Operation],
    proof: &CallerProof,
    was_admin: bool,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    backend.execute(operations, out)?;
    let failure = match proof.check(was_admin, backend.timeout(), out) {
        Ok(()) => {
            out.note(
                "You signed in through your access entry, with the same username and permissions.",
            );
            return Ok(());
        }
        Err(failure) => failure.at("you do not get the same access through your access entry"),
    };
    let principals = operations.iter().filter_map(|operation| match operation {
        Operation::CreateEntry { principal_arn, .. } => Some(principal_arn.clone()),
        _ => None,
    });
    let deletions: Vec<Operation> = principals
        .map(|principal_arn| Operation::DeleteEntry { principal_arn })
        .collect();
    Err(match backend.roll_back(&deletions, out) {
        Ok(_) => failure
            .of_kind(Kind::RolledBack)
            .note("your access entry was deleted: aws-auth decides for you again"),
        Err(obstacle) => failure.of_kind(Kind::NotRolledBack).note(format!(
            "your access entry could not be deleted: {}",
            obstacle.message()
        )),
    })
}

/// Asks before a change, and for the cluster's name before a change that EKS cannot reverse.
fn confirm_plan(
    planned: &MigrationPlan<'_>,
    args: &Args,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    if !planned.operations.iter().any(updates_mode) {
        let count = planned.operations.iter().filter(|one| creates(one)).count();
        let question = format!("Create {count} access entries on {backend}?");
        return confirm(&question, args.yes, backend, out);
    }
    confirm_irreversible(READS_ENTRIES, args.yes, backend, out)
}

/// Whether the plan creates the access entry of a caller who is in system:masters.
fn is_caller_admin(planned: &MigrationPlan<'_>, caller: Option<&str>) -> bool {
    planned.items.iter().any(|item| {
        let is_own = caller.is_some_and(|caller| is_same_principal(item.name(), caller));
        let mut groups = item.mapping.groups().iter();
        is_own && item.verdict.creates() && groups.any(|group| group == MASTERS)
    })
}

fn updates_mode(operation: &Operation) -> bool {
    matches!(operation, Operation::UpdateAuthenticationMode { .. })
}

fn creates(operation: &Operation) -> bool {
    matches!(operation, Operation::CreateEntry { .. })
}

/// Whether an operation is about the caller's own access entry.
pub(super) fn is_of(operation: &Operation, caller: Option<&str>) -> bool {
    let principal = operation.principal_arn().zip(caller);
    principal.is_some_and(|(principal, caller)| is_same_principal(principal, caller))
}
