use super::PlanFormat;
use super::history::find;
use super::write::WriteArgs;
use crate::cluster::shell::quoted;
use crate::edge::{Exit, Failure, Kind, Out, Refusal};
use crate::history::{Contents, Revision, revert};
use crate::plan::Request;
use crate::snapshot::Snapshot;
use crate::world::{History, World};

/// Take back the newest write
///
/// aws-auth becomes what it was before. What others have written since stays; --whole takes that back, too. An undo is a write
/// like any other, and can itself be undone. restore goes further back.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Take back what this revision's write did instead
    #[arg(value_name = "REVISION")]
    revision: Option<String>,

    /// Put the whole text back as it was before, and lose what was written since; where others have written, with REVISION
    #[arg(long)]
    whole: bool,

    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    /// The form of the answer.
    pub(crate) fn output(&self) -> PlanFormat {
        self.write.answer.output
    }
}

/// Others have written since.
const RACE: Refusal = Refusal {
    guard: "WG19",
    reason: "rollback-race",
};

/// Said before what the controller wrote is taken back.
const WRITTEN_AGAIN: &str = "warning: the controller writes again what AwsAuthMapping objects ask for. To take such an entry away, delete its object: kubectl delete aam NAME";

/// Takes the write back.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
    let history = world.history(out)?;
    let (name, revision) = match &args.revision {
        Some(name) => {
            let (kept, revision) = find(&history, name)?;
            (&kept.name, revision)
        }
        None => history
            .newest_write()
            .ok_or_else(|| nothing(&history, world))?,
    };
    let name = name.to_string();
    if args.whole && args.revision.is_none() && history.is_changed_by_others() {
        return Err(unnamed(&name, &history));
    }
    if history.live != revision.after {
        let by = history.last_writer.as_deref();
        let by = by.map_or_else(String::new, |by| format!(" (last by {by})"));
        let then = match args.whole {
            true => "that is taken back, too",
            false => "what it did is taken back, and all else stays",
        };
        out.note(&format!(
            "aws-auth was changed since the write of revision {name}{by}: {then}."
        ));
    }
    let asking = |snapshot: &Snapshot| {
        Ok(Request {
            kept: Some(target(args.whole, &name, revision, snapshot)?),
            ..Request::default()
        })
    };
    out.note(&format!("Taking back revision {name}: {}", told(revision)));
    if revision.is_by_controller() || (args.whole && history.is_by_controller_since(revision)) {
        out.note(WRITTEN_AGAIN);
    }
    args.write.carry_out(true, &asking, None, world, out)?;
    Ok(Exit::Done)
}

fn target(
    whole: bool,
    name: &str,
    revision: &Revision,
    snapshot: &Snapshot,
) -> Result<Contents, Failure> {
    if whole {
        return Ok(revision.before.existing());
    }
    let live = Contents::of(snapshot);
    match revert(revision, &live) {
        Ok(reverted) => Ok(reverted.contents),
        Err(overlap) => {
            let what = format!(
                "what the write of revision {name} did can't be told from what others did since"
            );
            let failure = Failure::refused(RACE, what).because(&overlap);
            Err(match live.exists {
                true => failure.hint(format!("put the whole text back as it was before, and lose what was written since: awsauth undo {name} --whole")),
                false => failure.hint("bring it back as the newest write left it: awsauth restore"),
            })
        }
    }
}

/// Whoever takes back what others did, too, is to have looked at it.
fn unnamed(name: &str, history: &History) -> Failure {
    let by = history.last_writer.as_deref().unwrap_or("somebody else");
    Failure::refused(
        RACE,
        format!("others have changed aws-auth since the newest write that is kept (last by {by})"),
    )
    .hint(format!(
        "see what they did: awsauth history; take back the newest write alone: awsauth undo; all since before it: awsauth undo {name} --whole"
    ))
}

/// The write in a line.
pub(super) fn told(revision: &Revision) -> String {
    let words: Vec<_> = revision.command.iter().map(|word| quoted(word)).collect();
    let who = &revision.who;
    let who = who.arn.as_ref().or(who.username.as_ref());
    let who = who.map_or_else(String::new, |who| format!(" by {who}"));
    let when = revision.when.strftime("%Y-%m-%d %H:%M:%SZ");
    format!("{}, {when}{who}", words.join(" "))
}

pub(super) fn nothing(history: &History, world: &World) -> Failure {
    let what = match history.kept.is_empty() {
        true => format!("nothing is kept of {world} that could be undone"),
        false => format!("no write that is kept of {world} is in force"),
    };
    Failure::new(Kind::No, what)
        .hint("see what is kept: awsauth history; or put back a file: awsauth restore FILE")
}
