//! `awsauth migrate`.

mod apply;
mod caller_access_check;
mod check;
mod clean;
mod finish;
mod own_entry;
mod revert;
mod state;

use state::State;

use super::unused::{LogArgs, Since};
use super::write_args::DryRun;
use super::{Format, OutputArgs};
use crate::backend::{Backend, HistoryOptions};
use crate::output::{
    EntryForm, MigrationView as View, migration_json, migration_text, operations_text,
    printed_entries,
};
use crate::terminal::{Exit, Failure, Kind, Out};
use crate::write::eks_not_named;
use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::migrate::{ChoiceError, Masters, MigrationPlan};
use awsauth_core::document::SectionName;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::shell_quote::quoted;
use awsauth_core::unused_access::AccountUse;

/// Move from aws-auth to EKS access entries
///
/// Shows, for each mapping, the access entry that replaces it, and whether the access stays the same. Then lists the
/// operations in a safe order. Changes nothing without --apply, --clean, --finish or --revert. With --cluster-name, reads the authentication
/// mode, the access entries, the nodes and the IAM paths of roles. Without it, the output lists what could not be checked.
///
/// The plan exits with 0 if every mapping can be replaced without a change, with 1 if the access of a principal would change
/// or an access entry differs from aws-auth, and with 4 if a mapping cannot be replaced.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # The plan: which access entries replace which mappings? Changes nothing
  awsauth migrate --cluster-name prod

  # Create the access entries; prove that they give the same access
  awsauth migrate --cluster-name prod --apply
  awsauth migrate --cluster-name prod --check --since 30d

  # Each call of a step, without making it
  awsauth migrate --cluster-name prod --finish --dry-run

  # For Terraform
  awsauth migrate --cluster-name prod --print terraform-module")]
pub(crate) struct Args {
    /// What replaces the group system:masters, which EKS refuses: a group bound to cluster-admin, or the policy
    /// AmazonEKSClusterAdminPolicy
    #[arg(long, env = "AWSAUTH_MASTERS", value_name = "group=NAME|policy", value_parser = masters)]
    masters: Option<Masters>,

    /// Accept that the access of this principal changes; may be repeated
    #[arg(long = "accept", value_name = "ARN")]
    accepted: Vec<String>,

    /// Leave this principal or account in aws-auth; may be repeated
    #[arg(long = "skip", env = "AWSAUTH_SKIP", value_name = "ARN|ACCOUNT")]
    skipped: Vec<String>,

    /// The ARN, with its IAM path, of a role that IAM does not show; may be repeated
    #[arg(long = "principal", env = "AWSAUTH_PRINCIPAL", value_name = "ARN")]
    principals: Vec<String>,

    /// Print only the access entries, for another tool
    #[arg(long, env = "AWSAUTH_PRINT", value_enum, value_name = "FORM")]
    print: Option<EntryForm>,

    /// Since when to read sign-ins, such as 30d: lists who only signs in through mapAccounts
    ///
    /// These principals need access entries. With --finish, an unused account is no obstacle.
    #[arg(long, env = "AWSAUTH_SINCE", value_name = "TIME")]
    since: Option<Since>,

    #[command(flatten)]
    log: LogArgs,

    /// Carry the plan out: create the access entries. aws-auth stays as it is
    ///
    /// Changes the authentication mode to API_AND_CONFIG_MAP first if needed, and creates your own access entry last.
    #[arg(long, conflicts_with_all = ["print", "check", "clean", "finish", "revert"])]
    apply: bool,

    /// Check the cluster: does every principal in aws-auth have the same access through an access entry?
    #[arg(long, conflicts_with_all = ["print", "clean", "finish", "revert"])]
    check: bool,

    /// Remove each principal from aws-auth that has an access entry with the same access
    #[arg(long, conflicts_with_all = ["print", "finish", "revert"])]
    clean: bool,

    /// Change the authentication mode to API, if no principal loses access
    ///
    /// The cluster then ignores aws-auth, and EKS cannot return to another mode.
    #[arg(long, conflicts_with_all = ["print", "revert"])]
    finish: bool,

    /// Delete the access entries that --apply created, if aws-auth still gives the same access
    #[arg(long, conflicts_with = "print")]
    revert: bool,

    /// Show each call of the step, and change nothing
    ///
    /// Also shows what each call changes, and what holds if it is the last one. Without a value, the API server checks the
    /// change of aws-auth that --clean makes.
    #[arg(long, env = "AWSAUTH_DRY_RUN", value_enum, value_name = "MODE", default_value_t, default_missing_value = "auto", num_args = 0..=1, require_equals = true)]
    dry_run: DryRun,

    /// The reason for the change, recorded in the history
    #[arg(long, env = "AWSAUTH_REASON", value_name = "TEXT")]
    reason: Option<String>,

    /// Do not ask before the cluster is changed
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    answer: OutputArgs,
}

impl Args {
    fn is_dry_run(&self) -> bool {
        self.dry_run != DryRun::None
    }

    /// Returns how changes are recorded: only if a copy can be stored.
    fn history_options(&self) -> HistoryOptions {
        HistoryOptions {
            reason: self.reason.clone(),
            ..HistoryOptions::best_effort()
        }
    }
}

/// Parses `group=NAME` or `policy`.
fn masters(text: &str) -> Result<Masters, String> {
    match text.split_once('=') {
        None if text == "policy" => Ok(Masters::Policy),
        Some(("group", name)) if !name.is_empty() => Ok(Masters::Group(name.to_owned())),
        _ => Err("give group=NAME or policy".to_owned()),
    }
}

/// Plans, or carries out a step of the migration.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    if args.apply {
        apply::run(args, backend, out)
    } else if args.check {
        check::run(args, backend, out)
    } else if args.clean {
        clean::run(args, backend, out)
    } else if args.finish {
        finish::run(args, backend, out)
    } else if args.revert {
        revert::run(args, backend, out)
    } else {
        show_plan(args, backend, out)
    }
}

/// Prints the plan.
fn show_plan(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let state = State::read_or_explain(backend, out)?;
    let planned = state.plan(args, None, backend)?;
    match args.print {
        Some(form) => {
            let eks = backend.eks().map(|eks| &eks.facts);
            let cluster = eks.map(|facts| facts.name.as_str());
            let region = eks.map(|facts| facts.region());
            let kubectl = backend.kubectl_of_context();
            out.data(printed_entries(&planned, form, cluster, region, &kubectl).as_bytes())?;
        }
        None => {
            let accounts = state.account_use(args, backend, out)?;
            let accounts = accounts.as_deref();
            print(
                &planned,
                accounts,
                View::Plan,
                args.answer.output,
                backend,
                out,
            )?;
        }
    }
    for obstacle in &planned.obstacles {
        out.note(&format!("Nothing can be migrated: {obstacle}."));
        out.note(&format!("hint: {}", obstacle.remedy()));
    }
    Ok(exit(&planned))
}

/// Prints a plan to stdout.
fn print(
    planned: &MigrationPlan<'_>,
    accounts: Option<&[AccountUse]>,
    view: View,
    format: Format,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let cluster = backend.eks().map(|eks| eks.facts.name.as_str());
    let file_line = |section: SectionName, line| backend.file_line(section, line);
    match format {
        Format::Human => {
            let width = out.width();
            let text = migration_text(planned, accounts, view, cluster, &file_line, width);
            out.text(&text)?;
            for used in accounts.unwrap_or_default() {
                note_account_use(used, out);
            }
        }
        Format::Json => out.json(
            &migration_json(planned, accounts, cluster, &file_line)
                .map_err(|error| Failure::bug(&error))?,
        )?,
    }
    Ok(())
}

/// Prints the principals that signed in and that only an account in aws-auth maps.
fn note_account_use(used: &AccountUse, out: &mut Out) {
    let account = &used.account;
    for (arn, sign_ins) in &used.principals {
        out.note(&format!(
            "{arn} has no access entry: it signed in through the account {account} in mapAccounts, last on {}.",
            sign_ins.last.strftime("%Y-%m-%d")
        ));
    }
    match (&used.doubt, used.principals.is_empty()) {
        (None, true) => out.note(&format!(
            "No one signed in through the account {account} in mapAccounts."
        )),
        (None, false) => {}
        (Some(doubt), _) => out.note(&format!(
            "Not checked: whether others signed in through the account {account}: {doubt}."
        )),
    }
}

/// Ends the dry run of a step: prints the operations that it would carry out.
fn end_dry_run(
    planned: MigrationPlan<'_>,
    operations: Vec<Operation>,
    args: &Args,
    backend: &Backend,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let format = args.answer.output;
    match format {
        Format::Human => {
            let cluster = backend.eks().map(|eks| eks.facts.name.as_str());
            out.text(&operations_text(&operations, cluster))?;
        }
        Format::Json => {
            let planned = MigrationPlan {
                operations,
                ..planned
            };
            print(&planned, None, View::Plan, format, backend, out)?;
        }
    }
    out.note("Dry run: nothing was changed.");
    Ok(Exit::Done)
}

/// Prints the state after a change to stdout as JSON. In text output, each step was printed already.
fn print_result(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<(), Failure> {
    if args.answer.output == Format::Json {
        let state = State::read(backend, out)?;
        print(
            &state.plan(args, None, backend)?,
            None,
            View::Plan,
            Format::Json,
            backend,
            out,
        )?;
    }
    Ok(())
}

/// Returns whether the cluster ignores aws-auth, so that a step has nothing to do, and reports it.
fn is_over(backend: &Backend, out: &mut Out) -> bool {
    let mode = backend.eks().and_then(|eks| eks.facts.authentication_mode);
    let is_over = mode == Some(AuthenticationMode::Api);
    if is_over {
        out.note("Nothing to do: the authentication mode is API, and aws-auth has no effect.");
        out.note(&deletion(backend));
    }
    is_over
}

/// Returns how to delete an aws-auth that has no effect.
fn deletion(backend: &Backend) -> String {
    format!(
        "hint: to delete aws-auth: {} delete configmap aws-auth -n kube-system",
        backend.kubectl()
    )
}

/// Returns the command line of a step, such as `--apply`.
fn command(step: &str, backend: &Backend) -> String {
    format!(
        "awsauth migrate --cluster-name {} {step}",
        quoted(cluster_name(backend))
    )
}

/// Returns the cluster's name at EKS, which every step needs.
fn cluster_name(backend: &Backend) -> &str {
    backend.eks().map_or("NAME", |eks| &eks.facts.name)
}

/// Refuses unless EKS described the cluster.
fn require_eks(backend: &Backend) -> Result<(), Failure> {
    match backend.eks() {
        Some(_) => Ok(()),
        None => Err(eks_not_named()),
    }
}

/// Refuses if a new plan differs from the one that the user confirmed, because another client changed either store in the
/// meantime.
fn refuse_changed_plan<T: PartialEq>(confirmed: &T, planned: &T) -> Result<(), Failure> {
    match confirmed == planned {
        true => Ok(()),
        false => Err(Failure::new(
            Kind::Conflict,
            "aws-auth or the access entries changed after the plan was made; nothing was changed",
        )
        .hint("check the new plan: run the same command again")),
    }
}

/// Refuses if an obstacle exists.
fn refuse_obstacles(planned: &MigrationPlan<'_>) -> Result<(), Failure> {
    match planned.obstacles.first() {
        None => Ok(()),
        Some(obstacle) => Err(Failure::new(
            Kind::Refused,
            format!("nothing can be migrated: {obstacle}"),
        )
        .hint(obstacle.remedy())),
    }
}

fn exit(plan: &MigrationPlan<'_>) -> Exit {
    let summary = plan.summary();
    if summary.cannot > 0 || !plan.obstacles.is_empty() {
        Exit::Refused
    } else if summary.changed + summary.accepted + summary.conflicts + summary.dead > 0 {
        Exit::No
    } else {
        Exit::Done
    }
}

fn not_possible(error: &ChoiceError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        ChoiceError::UnknownPrincipal { .. } => {
            failure.hint("show the ARNs in aws-auth: awsauth get -o name")
        }
        ChoiceError::MastersGroup { .. } => {
            failure.hint("choose another name, or leave out --masters")
        }
    }
}
