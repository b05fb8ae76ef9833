use super::access_entries;
use super::apply::Asked;
use super::ignored;
use super::refusals::{edit_failure, refused};
use super::{Answer, Format};
use crate::edge::{Exit, Failure, Out};
use crate::plan::{Plan, Request};
use crate::render::{notice, report_json, report_text};
use crate::world::World;

/// Show what apply would change, in the text and in who has access
///
/// Exits with 1 when there is a difference.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    asked: Asked,

    #[command(flatten)]
    answer: Answer,
}

impl Args {
    /// The form of the answer.
    pub(crate) fn output(&self) -> Format {
        self.answer.output
    }
}

/// Plans what apply would do, and shows it.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
    let request = args.asked.read(world, out)?;
    let request = Request {
        access_entries: access_entries::of_edits(&request.edits, None, world, out),
        ..request
    };
    let reading = world.read(out)?;
    let plan =
        Plan::new(&reading.snapshot, &request).map_err(|error| edit_failure(&error, world))?;
    match args.answer.output {
        Format::Human => out.text(&report_text(&plan))?,
        Format::Json => out.data(
            report_json(&plan, plan.is_change(), None)
                .map_err(|error| Failure::bug(&error))?
                .as_bytes(),
        )?,
    }
    for each in &plan.notices {
        out.note(&notice(each));
    }
    if !plan.refusals.is_empty() {
        out.note("To apply this would be refused:");
        let refused = ignored::with_hints(refused(&plan.refusals), &plan, world);
        out.note(refused.render(out.program()).trim_end());
    }
    if let Some(refusal) = ignored::refusal(world, &request.edits) {
        out.note("To apply this would be refused:");
        out.note(refusal.render(out.program()).trim_end());
    }
    Ok(if plan.is_change() {
        Exit::No
    } else {
        Exit::Done
    })
}
