use super::access_entries;
use super::apply::Asked;
use super::ignored;
use super::planning::{Planning, wants_admins};
use super::refusals::{edit_failure, refused};
use super::step::{self, StepEnd};
use super::{Answer, PlanFormat};
use crate::edge::{Exit, Failure, Kind, Out};
use crate::plan::Allowed;
use crate::render::{remarks, report_json, report_text};
use crate::snapshot::Snapshot;
use crate::world::World;

/// Show what apply would change, in the text and in who has access
///
/// Exits with 1 when there is a difference.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    asked: Asked,

    #[command(flatten)]
    answer: Answer<PlanFormat>,
}

impl Args {
    /// The form of the answer.
    pub(crate) fn output(&self) -> PlanFormat {
        self.answer.output
    }
}

/// Plans what apply would do, and shows it.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
    let request = args.asked.read(world, out)?;
    let gathered = world.gather(false, wants_admins(&request.edits), out)?;
    let there = gathered.as_ref().map(|gathered| &gathered.snapshot);
    let access_entries = access_entries::of_edits(&request.edits, None, there, world, out);
    let asking = |_: &Snapshot| Ok(request.clone());
    let mut planning = Planning::new(&asking, Allowed::default(), access_entries);
    match gathered {
        Some(gathered) => drop(planning.begin(&gathered, world, out)?),
        // What can't be planned is told below.
        None => drop(planning.change(&world.read(out)?.snapshot)),
    }
    let plan = match planning.into_made() {
        Some(made) => made.map_err(|error| edit_failure(&error, world))?,
        None => return Err(Failure::new(Kind::Bug, "nothing was planned")),
    };
    match args.answer.output {
        PlanFormat::Human | PlanFormat::Github => out.text(&report_text(&plan))?,
        PlanFormat::Json => out.data(
            report_json(&plan, plan.is_change(), None)
                .map_err(|error| Failure::bug(&error))?
                .as_bytes(),
        )?,
    }
    for line in remarks(&plan) {
        out.note(&line);
    }
    if !plan.refusals.is_empty() {
        out.note("To apply this would be refused:");
        let refused = ignored::with_hints(refused(&plan.refusals), &plan, world);
        out.note(refused.render(out.program()).trim_end());
    }
    if args.answer.output == PlanFormat::Github {
        let changes = plan.is_change();
        step::told(&plan, StepEnd::Asked { changes }, None, world, out);
    }
    Ok(if plan.is_change() {
        Exit::No
    } else {
        Exit::Done
    })
}
