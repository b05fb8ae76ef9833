//! `migrate --finish`: lets the cluster ignore aws-auth.

use super::caller_access_check::CallerProof;
use super::{
    Args, State, cluster_name, command, deletion, end_dry_run, is_over, print_result, require_eks,
};
use crate::backend::Backend;
use crate::commands::confirmation::{confirm_irreversible, list_removals, show_removals};
use crate::commands::nodes;
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::migrate::Verdict;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::shell_quote::quoted;
use awsauth_core::unused_access::AccountUse;

/// How many reasons a refusal lists.
const SHOWN: usize = 20;

pub(super) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    require_eks(backend)?;
    let mode = backend.eks().and_then(|eks| eks.facts.authentication_mode);
    match mode {
        Some(AuthenticationMode::Api) => {
            is_over(backend, out);
            print_result(args, backend, out)?;
            return Ok(Exit::Done);
        }
        Some(AuthenticationMode::ApiAndConfigMap) => {}
        Some(AuthenticationMode::ConfigMap) | None => {
            return Err(
                Failure::new(Kind::Refused, "the cluster reads no access entries yet").hint(
                    format!("create them first: {}", command("--apply", backend)),
                ),
            );
        }
    }
    let state = State::read(backend, out)?;
    let accounts = state.account_use(args, backend, out)?;
    refuse_obstacles(&state, accounts.as_deref(), args, backend, out)?;
    let operation = Operation::UpdateAuthenticationMode {
        from: AuthenticationMode::ApiAndConfigMap,
        to: AuthenticationMode::Api,
    };
    show_ignored(&state, args, backend, out)?;
    if args.is_dry_run() {
        let planned = state.plan(args, None, backend)?;
        return end_dry_run(planned, vec![operation], args, backend, out);
    }
    let consequence = "ignore aws-auth from now on";
    confirm_irreversible(consequence, args.yes, backend, out)?;
    let proof = CallerProof::prepare(backend, out)?;
    // Another client may have changed either store while the user read the question.
    let state = State::read(backend, out)?;
    refuse_obstacles(&state, accounts.as_deref(), args, backend, out)?;
    let (from, to) = (AuthenticationMode::ApiAndConfigMap, AuthenticationMode::Api);
    backend.record_mode(from, to, &args.history_options(), out)?;
    backend.execute(&[operation], out)?;
    backend.describe_again(out)?;
    proof
        .check(false, backend.timeout(), out)
        .map_err(|failure| {
            failure
                .at("the cluster ignores aws-auth now, and you cannot sign in as before")
                .of_kind(Kind::NotRolledBack)
                .hint(format!(
                    "get in with IAM permissions: awsauth rescue --cluster-name {}",
                    quoted(cluster_name(backend))
                ))
        })?;
    print_result(args, backend, out)?;
    out.note(
        "You signed in with the same username and permissions. aws-auth is kept, and has no effect.",
    );
    out.note(&deletion(backend));
    Ok(Exit::Done)
}

/// Prints the mappings that would no longer have any effect, before the prompt.
fn show_ignored(
    state: &State,
    args: &Args,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let planned = state.plan(args, None, backend)?;
    let items = planned.items.iter();
    let ignored = items.filter_map(|item| match item.verdict {
        Verdict::NotMigrated { .. } => None,
        Verdict::Cannot { .. } => Some(format!("{}, which no one uses", item.name())),
        _ => Some(item.name().to_owned()),
    });
    let what =
        "These mappings in aws-auth would have no effect; access entries give the same access";
    let ignored: Vec<String> = ignored.collect();
    match args.is_dry_run() {
        true => list_removals(what, &ignored, out),
        false => show_removals(what, &ignored, args.yes, out),
    }
    Ok(())
}

/// Refuses while a principal would lose access.
fn refuse_obstacles(
    state: &State,
    accounts: Option<&[AccountUse]>,
    args: &Args,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let nodes = nodes::State::read(backend, out)?;
    nodes.warn(out);
    let obstacles = state.finish_obstacles(args, &nodes.input(), accounts, backend)?;
    if obstacles.is_empty() {
        return Ok(());
    }
    let what = "nothing was changed: in authentication mode API, some principals would lose access";
    let mut failure = Failure::new(Kind::Refused, what);
    for obstacle in obstacles.iter().take(SHOWN) {
        let remedy = obstacle.remedy(cluster_name(backend));
        failure = failure.note(obstacle).hint(remedy);
    }
    if obstacles.len() > SHOWN {
        failure = failure.note(format!("and {} more", obstacles.len() - SHOWN));
    }
    Err(failure)
}
