//! `awsauth diff`.

use super::OutputArgs;
use super::apply::{DesiredArgs, Prepared};
use super::write_args::Overrides;
use crate::backend::Backend;
use crate::backend::input_files::Input;
use crate::output::{PlanFormat, remarks, report_json, report_text};
use crate::terminal::{Exit, Failure, Kind, Out};
use crate::write::{
    PlanBuilder, access_entries_for, edit_failure, refused, report_dry_run_step, wants_admins,
    with_other_store,
};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::plan::{Allowed, Facts, Plan};

/// Show the changes that apply would make
///
/// Shows the difference in the text, and who gains or loses access. Exits with 1 if there is a difference.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # What would apply change? Exits with 1 if anything
  awsauth diff -f access.yaml

  # As a comment on a pull request
  awsauth diff -f access.yaml --file aws-auth.yaml -o github")]
#[command(mut_arg("owner", |owner| owner.help("Compare as if these mappings belonged to this owner")))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) desired: DesiredArgs,

    #[command(flatten)]
    answer: OutputArgs<PlanFormat>,
}

impl Args {
    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        self.answer.output
    }
}

/// Plans what apply would do and shows it.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let inputs = args.desired.inputs(backend.is_pipe())?;
    let plan = plan(&args.desired, &inputs, backend, out)?;
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

/// Plans what apply would do with these inputs.
pub(super) fn plan(
    desired: &DesiredArgs,
    inputs: &[Input],
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Plan, Failure> {
    let choice = desired.store.choice(&Overrides::default());
    let desired = desired.read(inputs, backend, out)?;
    let Prepared { request, entries } = desired.prepare(choice, None, backend, out)?;
    let (first, access_entries, changes) = match entries {
        Some(planned) => {
            let (first, known, changes) = planned.into_parts();
            (Some(first), known, changes)
        }
        None => {
            let first = backend.read_for_plan(false, wants_admins(&request.edits), out)?;
            let current = first.as_ref().map(|first| &first.snapshot);
            let known = access_entries_for(&request.edits, None, current, backend, out);
            (first, known, Vec::new())
        }
    };
    let build = |_: &Snapshot| Ok(request.clone());
    let mut planner = PlanBuilder::new(&build, Allowed::default(), access_entries, changes);
    let (snapshot, facts) = match first {
        Some(first) => (first.snapshot, first.facts),
        None => (backend.read(out)?.snapshot, Facts::default()),
    };
    planner.begin(&snapshot, &facts, backend, out)?;
    match planner.into_plan() {
        Some(made) => made.map_err(|error| edit_failure(&error, backend)),
        None => Err(Failure::new(Kind::Bug, "nothing was planned")),
    }
}
