mod data;

use clap::Subcommand;

use super::{Answer, Format};
use crate::edge::{Exit, Failure, Kind, Out};
use crate::history::{Contents, Revision};
use crate::plan::{Plan, Request};
use crate::render::{history_table, report_json, report_text, revision_heading};
use crate::world::{History, KeptRevision, World};

/// Show what was written to aws-auth, by whom and why
///
/// Each write keeps what was there before as a revision, in the ConfigMap awsauth-history beside aws-auth. The newest 20 stay.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    answer: Answer,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show what the write of one revision changed, in the text and in who has access
    Show {
        /// Its number, as history shows it
        #[arg(value_name = "REVISION")]
        revision: String,
        #[command(flatten)]
        answer: Answer,
    },
    /// Compare what was kept as two revisions, or as one with what is there now
    Diff {
        /// What was there before this revision's write
        #[arg(value_name = "FROM")]
        from: String,
        /// And before this one's; without it, what is there now
        #[arg(value_name = "TO")]
        to: Option<String>,
        #[command(flatten)]
        answer: Answer,
    },
}

/// Lists, shows or compares.
pub(crate) fn run(args: &Args, world: &World, out: &mut Out) -> Result<Exit, Failure> {
    let history = world.history(out)?;
    match &args.what {
        None => list(&history, args.answer.output, world, out),
        Some(What::Show {
            revision,
            answer: wanted,
        }) => {
            let (kept, revision) = find(&history, revision)?;
            if wanted.output == Format::Human {
                out.text(&revision_heading(&kept.name.to_string(), revision))?;
            }
            let plan = difference(&revision.before, &revision.after)?;
            answer(&plan, wanted.output, out)
        }
        Some(What::Diff {
            from,
            to,
            answer: wanted,
        }) => {
            let from = &find(&history, from)?.1.before;
            let to = match to {
                Some(to) => &find(&history, to)?.1.before,
                None => &history.live,
            };
            answer(&difference(from, to)?, wanted.output, out)
        }
    }
}

fn list(history: &History, output: Format, world: &World, out: &mut Out) -> Result<Exit, Failure> {
    match output {
        Format::Json => {
            let json = data::json(history).map_err(|error| Failure::bug(&error))?;
            out.data(json.as_bytes())?;
        }
        Format::Human => {
            if history.kept.is_empty() {
                out.note(&format!(
                    "Nothing was written to {world} yet that awsauth has kept."
                ));
                return Ok(Exit::Done);
            }
            out.text(&history_table(&data::rows(history), out.width()))?;
        }
    }
    Ok(Exit::Done)
}

/// The revision of this name, which can be read.
pub(super) fn find<'h>(
    history: &'h History,
    name: &str,
) -> Result<(&'h KeptRevision, &'h Revision), Failure> {
    let Some(kept) = history.find(name) else {
        return Err(
            Failure::new(Kind::No, format!("there is no revision {name}"))
                .hint("see which there are: awsauth history"),
        );
    };
    match &kept.revision {
        Ok((revision, _)) => Ok((kept, revision)),
        Err(why) => Err(
            Failure::new(Kind::Usage, format!("revision {name} can't be read: {why}"))
                .hint("see which can: awsauth history"),
        ),
    }
}

/// What leads from one to the other, as a plan shows it.
pub(super) fn difference(from: &Contents, to: &Contents) -> Result<Plan, Failure> {
    let request = Request {
        kept: Some(to.clone()),
        ..Request::default()
    };
    let mut plan = Plan::new(&from.snapshot(), &request).map_err(|error| Failure::bug(&error))?;
    // It is not about to be carried out.
    plan.refusals.clear();
    Ok(plan)
}

fn answer(plan: &Plan, output: Format, out: &mut Out) -> Result<Exit, Failure> {
    match output {
        Format::Human => out.text(&report_text(plan))?,
        Format::Json => {
            let report = report_json(plan, plan.is_change(), None);
            out.data(report.map_err(|error| Failure::bug(&error))?.as_bytes())?;
        }
    }
    Ok(Exit::Done)
}
