//! `nodes --fix`: maps unmapped roles, recreates dead access entries, and associates missing policies.

use super::{Args, State};
use crate::backend::{Backend, HistoryOptions};
use crate::commands::Format;
use crate::commands::confirmation::confirm;
use crate::commands::write_args::DryRun;
use crate::terminal::{Failure, Kind, Out};
use crate::write::{Options, Transaction};
use awsauth_core::access_entries::{Operation, changes_by};
use awsauth_core::arn::is_same_principal;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::edit::Edit;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::node_report::{Fix, NodeReport, RoleReport};
use awsauth_core::plan::Request;
use awsauth_core::shell_quote::quoted;

/// Fixes the problems that have exactly one safe fix. Returns whether it changed something.
pub(super) fn run(
    args: &Args,
    state: &State,
    entries: &[AccessEntry],
    backend: &mut Backend,
    out: &mut Out,
) -> Result<bool, Failure> {
    let found = state.report();
    refuse_unknown_roles(args, &found)?;
    let (trusted, by_tag): (Vec<_>, Vec<_>) = found
        .roles
        .iter()
        .filter(|role| is_fixable(role))
        .partition(|role| is_trusted(args, role));
    let is_dry_run = args.fix.dry_run != DryRun::None;
    let is_confirmed = confirm_tags(&by_tag, is_dry_run, backend, out)?;
    let more = by_tag.into_iter().filter(|_| is_confirmed);
    let (edits, operations) = changes(trusted.into_iter().chain(more));
    if edits.is_empty() && operations.is_empty() {
        out.note("Nothing to map: see above for what needs a decision.");
        return Ok(false);
    }
    if !operations.is_empty() && !is_dry_run {
        let count = operations.len();
        let noun = if count == 1 { "call" } else { "calls" };
        let question = format!("Change access entries on {backend}, with {count} {noun} of EKS?");
        confirm(&question, args.fix.yes, backend, out)?;
    }
    let format = args.answer.output;
    let options = Options {
        prints_own_report: format == Format::Json,
        ..args.fix.write_args(format).options(backend)
    };
    if !edits.is_empty() {
        let has_existed = state.has_text() && backend.has_server();
        let request = |snapshot: &Snapshot| match has_existed && snapshot.resource_version.is_none()
        {
            true => Err(deleted()),
            false => Ok(Request {
                edits: edits.clone(),
                ..Request::default()
            }),
        };
        Transaction {
            edits: &edits,
            request: &request,
            create: true,
            entries: None,
            verify: None,
            options: &options,
        }
        .run(backend, out)?;
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
    let changes = changes_by(&operations, entries);
    if !changes.is_empty() {
        let backup = HistoryOptions {
            reason: options.reason.clone(),
            optional: options.no_backup,
            ..HistoryOptions::default()
        };
        backend.record_entries(&changes, &backup, out)?;
    }
    backend.execute(&operations, out)?;
    Ok(true)
}

fn deleted() -> Failure {
    Failure::new(
        Kind::Conflict,
        "another client deleted aws-auth in the meantime; it was not created again",
    )
    .hint("restore its last content, then run this again: awsauth restore")
}

/// Refuses roles that the user names but no known node uses.
fn refuse_unknown_roles(args: &Args, found: &NodeReport<'_>) -> Result<(), Failure> {
    let is_known = |arn: &str| {
        let mut roles = found.roles.iter();
        roles.any(|role| is_same_principal(&role.arn, arn))
    };
    match args.fix.node_roles.iter().find(|arn| !is_known(arn)) {
        None => Ok(()),
        Some(arn) => Err(Failure::usage(format!(
            "--node-role {arn} is not a role of a known node"
        ))
        .hint("list the roles: awsauth nodes")),
    }
}

/// Asks whether to map roles that are linked to the cluster only by a tag, and prints the links of each role. Without a terminal,
/// the answer is no.
fn confirm_tags(
    by_tag: &[&RoleReport<'_>],
    is_dry_run: bool,
    backend: &Backend,
    out: &mut Out,
) -> Result<bool, Failure> {
    let cluster = backend.eks().map_or("", |eks| eks.facts.name.as_str());
    let may_ask = out.can_ask() && !is_dry_run;
    let result = if may_ask {
        "Known by a tag"
    } else {
        "Not mapped"
    };
    for role in by_tag {
        let (arn, used_by) = (&role.arn, role.role.used_by());
        out.note(&format!(
            "{result}: {arn}, used by {used_by}: only the tag kubernetes.io/cluster/{cluster} connects it with the cluster"
        ));
        if !may_ask {
            out.note(&format!(
                "hint: if these are nodes of the cluster, add --node-role {}",
                quoted(arn)
            ));
        }
    }
    if !may_ask {
        return Ok(false);
    }
    let (roles, them) = match by_tag.len() {
        0 => return Ok(false),
        1 => ("this role".to_owned(), "it"),
        count => (format!("these {count} roles"), "one of them"),
    };
    backend.ask(
        &format!("Map {roles}? Everyone who can use {them} can sign in as a node of {backend}."),
        out,
    )
}

/// Returns whether [`run`] fixes every problem without a question.
pub(super) fn is_complete(args: &Args, found: &NodeReport<'_>) -> bool {
    let mut problems = found.roles.iter().filter(|role| role.state.is_problem());
    problems.all(|role| is_fixable(role) && is_trusted(args, role))
}

fn is_fixable(role: &RoleReport<'_>) -> bool {
    matches!(role.fix, Some(Fix::AwsAuth(_) | Fix::AccessEntry(_)))
}

/// Returns whether the cluster or the user confirms that the role belongs to nodes.
fn is_trusted(args: &Args, role: &RoleReport<'_>) -> bool {
    let mut named = args.fix.node_roles.iter();
    !role.is_known_by_tags_only()
        || args.fix.yes
        || named.any(|arn| is_same_principal(arn, &role.arn))
}

fn changes<'a>(roles: impl Iterator<Item = &'a RoleReport<'a>>) -> (Vec<Edit>, Vec<Operation>) {
    let (mut edits, mut operations) = (Vec::new(), Vec::new());
    for role in roles {
        match &role.fix {
            Some(Fix::AwsAuth(edit)) => edits.push(edit.clone()),
            Some(Fix::AccessEntry(needed)) => operations.extend(needed.iter().cloned()),
            Some(Fix::Advice(_)) | None => {}
        }
    }
    (edits, operations)
}
