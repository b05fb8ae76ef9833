//! `awsauth diff`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::FalseyValueParser;

use super::OutputArgs;
use super::apply::{DesiredArgs, Prepared};
use super::permission_set_role;
use super::write_args::Overrides;
use crate::backend::input_files::Input;
use crate::backend::{Backend, Target};
use crate::output::{PlanFormat, remarks, report_json, report_text};
use crate::terminal::{Exit, Failure, Kind, Out};
use crate::write::{
    PlanBuilder, access_entries_for, edit_failure, refused, report_dry_run_step, wants_admins,
    with_other_store,
};
use awsauth_core::access_entries::{EntryChange, StoreChoice};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::edit::{Edit, EditError};
use awsauth_core::document::{Document, Principal};
use awsauth_core::entry_selection::{unmentioned_entries, unmentioned_mappings};
use awsauth_core::plan::{Allowed, Facts, Plan, Request};

/// Show what apply would change, or compare files and clusters
///
/// Shows the difference in aws-auth, and who gains or loses access. Exits with 1 if there is a difference. Mappings that the files do
/// not mention are kept, so they do not count as differences, except with --exact.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("owner", |owner| owner.help("Compare as if these mappings belonged to this owner")),
    mut_arg("filenames", |filenames| filenames.required(false).required_unless_present("paths")),
    after_help = "\
Examples:
  # What would apply change?
  awsauth diff access.yaml

  # As a comment on a pull request
  awsauth diff access.yaml --file aws-auth.yaml -o github

  # Compare two files in both directions
  awsauth diff old.yaml --file new.yaml --exact

  # Compare two clusters in both directions
  awsauth get -o yaml --context staging | awsauth diff - --context prod --exact"
)]
pub(crate) struct Args {
    /// The desired state, as with --filename
    #[arg(value_name = "FILE", conflicts_with = "filenames")]
    paths: Vec<PathBuf>,

    /// Compare in both directions: mappings that the files do not mention are removals
    #[arg(long, env = "AWSAUTH_EXACT", value_parser = FalseyValueParser::new(), conflicts_with = "owner")]
    exact: bool,

    #[command(flatten)]
    desired: DesiredArgs,

    #[command(flatten)]
    answer: OutputArgs<PlanFormat>,
}

impl Args {
    /// Reads the files of the desired state. `is_pipe` is whether stdin is the manifest.
    pub(super) fn inputs(&self, is_pipe: bool) -> Result<Vec<Input>, Failure> {
        let mut desired = self.desired.clone();
        desired.filenames.extend(self.paths.iter().cloned());
        desired.inputs(is_pipe)
    }

    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        self.answer.output
    }
}

/// Plans and shows what apply would do, or what would make both sides equal.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let inputs = args.inputs(backend.is_pipe())?;
    let plan = compare(args, &inputs, target, backend, out)?;
    match args.answer.output {
        PlanFormat::Human | PlanFormat::Github => {
            out.text(&report_text(&plan, backend.eks_name()))?
        }
        PlanFormat::Json => print_json(&plan, backend, out)?,
    }
    print_remarks(&plan, out);
    if args.answer.output == PlanFormat::Github {
        report_dry_run_step(&plan, plan.is_change(), backend, out);
    }
    Ok(exit(&plan))
}

/// Prints what apply would do as JSON.
pub(super) fn print_json(plan: &Plan, backend: &Backend, out: &mut Out) -> Result<(), Failure> {
    let json = report_json(plan, plan.is_change(), backend.eks_name(), None);
    out.json(&json.map_err(|error| Failure::bug(&error))?)?;
    Ok(())
}

/// Prints the notes about a plan, and whether apply would be refused.
pub(super) fn print_remarks(plan: &Plan, out: &mut Out) {
    for line in remarks(plan) {
        out.note(&line);
    }
    if !plan.refusals.is_empty() {
        out.note("Applying this would be refused:");
        let refused = with_other_store(refused(&plan.refusals), plan);
        for line in refused.render(out.program()).lines() {
            out.note(line);
        }
    }
}

/// Returns the exit code: whether there is a difference.
pub(super) fn exit(plan: &Plan) -> Exit {
    match plan.is_change() {
        true => Exit::No,
        false => Exit::Done,
    }
}

/// Plans the difference that the arguments request, and notes how many mappings the files do not mention.
pub(super) fn compare(
    args: &Args,
    inputs: &[Input],
    target: &Target,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Plan, Failure> {
    let desired = &args.desired;
    let (plan, mentioned) = plan_and_mentioned(desired, args.exact, inputs, target, backend, out)?;
    if !args.exact {
        let choice = desired.store.choice(&Overrides::default());
        note_kept(&mentioned, choice, &plan, backend, out);
    }
    Ok(plan)
}

/// Plans what apply would do with these inputs.
pub(super) fn plan(
    desired: &DesiredArgs,
    inputs: &[Input],
    target: &Target,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Plan, Failure> {
    let (plan, _) = plan_and_mentioned(desired, false, inputs, target, backend, out)?;
    Ok(plan)
}

/// Returns the plan, and the principals that the inputs mention.
fn plan_and_mentioned(
    desired: &DesiredArgs,
    exact: bool,
    inputs: &[Input],
    target: &Target,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(Plan, Vec<Principal>), Failure> {
    let choice = desired.store.choice(&Overrides::default());
    let desired = desired.read(inputs, target, backend, out)?;
    desired.warn_of_unknown_cluster(backend, out);
    let mentioned = desired.principals();
    let Prepared {
        request,
        permission_set_roles,
        entries,
    } = desired.prepare(choice, exact, None, backend, out)?;
    let (first, access_entries, changes) = match entries {
        Some(planned) => {
            let (first, known, changes) = planned.into_parts();
            (Some(first), known, changes)
        }
        None => {
            let first = backend.read_for_plan(false, wants_admins(&request.edits), out)?;
            let current = first.as_ref().map(|first| &first.snapshot);
            let known = access_entries_for(&request.edits, &[], None, current, backend, out);
            (first, known, Vec::new())
        }
    };
    let (snapshot, facts) = match first {
        Some(first) => (first.snapshot, first.facts),
        None => (backend.read(out)?.snapshot, Facts::default()),
    };
    let plan = match exact {
        true => {
            let request = Request {
                access_entries,
                entry_changes: changes,
                ..request
            };
            exact_plan(request, &mentioned, choice, &snapshot)
        }
        false => {
            let build = |snapshot: &Snapshot| {
                Ok(permission_set_role::replace_deleted(
                    &request,
                    &permission_set_roles,
                    snapshot,
                ))
            };
            let mut planner = PlanBuilder::new(&build, Allowed::default(), access_entries, changes);
            planner.begin(&snapshot, &facts, backend, out)?;
            match planner.into_plan() {
                Some(made) => made,
                None => return Err(Failure::new(Kind::Bug, "nothing was planned")),
            }
        }
    };
    let plan = plan.map_err(|error| edit_failure(&error, backend))?;
    Ok((plan, mentioned))
}

/// Plans the request together with the removal of every mapping that is not `mentioned`. Such a plan is a comparison, which no guard
/// refuses.
fn exact_plan(
    mut request: Request,
    mentioned: &[Principal],
    choice: StoreChoice,
    snapshot: &Snapshot,
) -> Result<Plan, EditError> {
    let entries = request.access_entries.as_deref();
    if choice.includes_aws_auth(entries) {
        let unmentioned = unmentioned_mappings(mentioned, &Document::read(&snapshot.data));
        let removals = unmentioned.into_iter().map(|principal| Edit::Unmap {
            principal,
            only_line: None,
        });
        request.edits.extend(removals);
    }
    if choice.includes_entries() {
        let unmentioned = entries.map(|entries| unmentioned_entries(mentioned, entries));
        let removals = unmentioned
            .unwrap_or_default()
            .into_iter()
            .map(|entry| EntryChange {
                principal_arn: entry.principal_arn.clone(),
                before: Some(entry.terms.clone().unwrap_or_default()),
                after: None,
            });
        request.entry_changes.extend(removals.collect::<Vec<_>>());
    }
    let mut plan = Plan::new(snapshot, &request)?;
    plan.refusals.clear();
    plan.notices.clear();
    plan.findings.clear();
    Ok(plan)
}

/// Notes how many mappings the files do not mention.
fn note_kept(
    mentioned: &[Principal],
    choice: StoreChoice,
    plan: &Plan,
    backend: &Backend,
    out: &mut Out,
) {
    let entries = plan.access_entries().map(Arc::as_ref);
    let mapped = match choice.includes_aws_auth(entries) {
        true => unmentioned_mappings(mentioned, plan.after()).len(),
        false => 0,
    };
    let entries = entries.filter(|_| choice.includes_entries());
    let entries = entries.map_or(0, |entries| unmentioned_entries(mentioned, entries).len());
    let what = match mapped + entries {
        0 => return,
        1 => format!("1 mapping of {backend} is not mentioned, and stays."),
        count => format!("{count} mappings of {backend} are not mentioned, and stay."),
    };
    out.note(&format!("{what} To compare in both directions: --exact"));
}
