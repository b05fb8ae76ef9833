//! A round: the editor, then everything that a write has to pass. What does not pass goes back to the editor.

mod judge;
mod session;
mod words;

use std::cell::{Cell, RefCell};

use super::PlanFormat;
use super::ignored;
use super::write::{DryRun, WriteArgs};
use crate::edge::{Exit, Failure, Kind, Out};
use crate::history::{Contents, combine};
use crate::plan::Request;
use crate::snapshot::Snapshot;
use crate::world::{Editor, World};
use session::{Round, Session};

/// Change aws-auth in your editor
///
/// The editor is what KUBE_EDITOR, VISUAL or EDITOR names. What you save is checked, shown as a change, and written once you
/// say yes. What can't be written comes back to the editor with the reasons in it; what others write meanwhile is
/// merged. Saved unchanged or empty, nothing is written.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Yes to every question
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    /// The form of the answer.
    pub(crate) fn output(&self) -> PlanFormat {
        self.write.answer.output
    }
}

/// How often a text goes back to an editor at which nobody sits.
const MOST_ROUNDS: usize = 10;

/// Has the user edit it, and writes what comes of it.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
    let asks = !args.yes && args.write.dry_run == DryRun::None;
    if world.is_pipe() {
        return Err(Failure::usage(
            "cannot edit a manifest from stdin: the editor needs the terminal",
        )
        .hint("put it in a file: --file PATH"));
    }
    if !world.has_server() {
        // Of a file that can't be read, the terminal is not what is in the way.
        world.read(out)?;
    }
    if asks && !out.can_ask() {
        return Err(
            Failure::usage("cannot ask whether to write: there is no terminal")
                .hint("answer beforehand with --yes, or only look with --dry-run"),
        );
    }
    let editor = Editor::of_process(out)?;
    if !args.write.overrides.allow_ignored
        && let Some(refusal) = ignored::refusal(world, &[])
    {
        return Err(refusal);
    }
    let mut session = Session::open(&args.write, world, out)?;
    let mut rounds = 0;
    loop {
        rounds += 1;
        let ours = match session.round(&editor, world, out)? {
            Round::Cancelled => {
                out.note("Edit cancelled, no changes made.");
                if args.output() == PlanFormat::Human {
                    return Ok(Exit::Done);
                }
                session.base().clone()
            }
            Round::Wrong if rounds < MOST_ROUNDS || out.can_ask() => continue,
            Round::Wrong => return Err(session.give_up(out)),
            Round::Saved(contents) => contents,
        };
        if asks && ours != *session.base() {
            session.show(out);
            let question = format!("Write this to {world}?");
            match world.ask(&question, out) {
                Ok(true) => {}
                Ok(false) => return Err(session.not_written(no())),
                Err(failure) => return Err(session.not_written(failure)),
            }
        }
        let write = WriteArgs {
            is_shown: asks,
            ..args.write.clone()
        };
        match carry_out(&write, &ours, &session, world, out) {
            Ok(()) => return Ok(Exit::Done),
            Err(Stopped { failure, theirs }) => {
                let goes_on = rounds < MOST_ROUNDS || out.can_ask();
                match theirs {
                    Some(theirs) if goes_on => session.tear(&ours, &theirs, failure, world),
                    // To scripts the refusal is told already.
                    None if goes_on
                        && failure.is_refused()
                        && args.output() == PlanFormat::Human =>
                    {
                        session.refuse(failure, out);
                    }
                    _ => return Err(session.not_written(failure)),
                }
            }
        }
    }
}

/// Why the text could not be written.
struct Stopped {
    failure: Failure,
    /// What is there now, when others have changed the same.
    theirs: Option<Box<Contents>>,
}

fn carry_out(
    write: &WriteArgs,
    ours: &Contents,
    session: &Session,
    world: &mut World,
    out: &mut Out,
) -> Result<(), Stopped> {
    let torn = RefCell::new(None);
    let is_merged = Cell::new(false);
    let is_deleted =
        |snapshot: &Snapshot| session.is_stored() && snapshot.resource_version.is_none();
    let base = session.base();
    let asking = |snapshot: &Snapshot| {
        torn.take();
        let conflict = |what: &str| Failure::new(Kind::Conflict, what);
        if is_deleted(snapshot) {
            return Err(
                conflict("aws-auth was deleted meanwhile; nothing was written")
                    .hint("bring it back first: awsauth restore"),
            );
        }
        let theirs = Contents::of(snapshot).existing();
        is_merged.set(theirs != *base);
        let kept = combine(base, ours, &theirs).map_err(|overlap| {
            torn.replace(Some(theirs));
            conflict("others have changed the same meanwhile; nothing was written")
                .because(&overlap)
        })?;
        Ok(Request {
            kept: Some(kept),
            ..Request::default()
        })
    };
    let done = write.carry_out(true, &asking, None, world, out);
    match (done, torn.take()) {
        (Ok(_), _) => {
            if is_merged.get() {
                out.note("Others have changed aws-auth meanwhile: what they changed stays.");
            }
            Ok(())
        }
        (Err(failure), theirs) => Err(Stopped {
            failure,
            theirs: theirs.map(Box::new),
        }),
    }
}

fn no() -> Failure {
    Failure::new(Kind::Refused, "the answer was no; nothing was written")
}
