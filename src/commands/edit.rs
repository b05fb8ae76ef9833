//! `awsauth edit`: opens the editor, checks what was saved, and writes it. If a check fails, opens the editor again with the reasons.

mod check;
mod page_header;
mod session;

use std::cell::{Cell, RefCell};

use super::write_args::{DryRun, WriteArgs};
use crate::backend::{Backend, Editor};
use crate::output::PlanFormat;
use crate::terminal::{Exit, Failure, Kind, Out};
use crate::write::{Options, Transaction, refuse_if_ignored};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::history::{Contents, combine};
use awsauth_core::plan::Request;
use session::{Round, Session};

/// Change aws-auth in your editor
///
/// Uses the editor that KUBE_EDITOR, VISUAL or EDITOR names. Checks what you save, shows the change, and writes it after you
/// confirm. If it cannot be written, opens the editor again with the reasons. Merges changes that other clients make in the
/// meantime. Writes nothing if you save the text unchanged or empty.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth edit
  awsauth edit --reason 'new on-call role'

  # Without the file, only show the changes that the editor made
  awsauth edit --file aws-auth.yaml --dry-run")]
pub(crate) struct Args {
    /// Answer yes to every question
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        self.write.answer.output
    }
}

/// The number of times that the editor is opened again if there is no terminal.
const MAX_ROUNDS: usize = 10;

/// Opens the editor and writes the result.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let must_confirm = !args.yes && args.write.dry_run == DryRun::None;
    if backend.is_pipe() {
        return Err(Failure::usage(
            "cannot edit a manifest from stdin: the editor needs the terminal",
        )
        .hint("put it in a file: --file PATH"));
    }
    if !backend.has_server() {
        // A file that cannot be read is reported before a missing terminal.
        backend.read(out)?;
    }
    if must_confirm && !out.can_ask() {
        return Err(
            Failure::usage("cannot ask whether to write: there is no terminal")
                .hint("confirm in advance with --yes, or only show the change with --dry-run"),
        );
    }
    let editor = Editor::of_process(out)?;
    if !args.write.overrides.allow_ignored {
        refuse_if_ignored(backend)?;
    }
    let options = Options {
        is_confirmed: must_confirm,
        ..args.write.options(backend)
    };
    let mut session = Session::open(&options, backend, out)?;
    let mut rounds = 0;
    loop {
        rounds += 1;
        let ours = match session.round(&editor, backend, out)? {
            Round::Cancelled => {
                out.note("Edit cancelled, no changes made.");
                if args.output() == PlanFormat::Human {
                    return Ok(Exit::Done);
                }
                session.base().clone()
            }
            Round::Wrong if rounds < MAX_ROUNDS || out.can_ask() => continue,
            Round::Wrong => return Err(session.give_up(out)),
            Round::Saved(contents) => contents,
        };
        if must_confirm && ours != *session.base() {
            session.show(out);
            let question = format!("Write this to {backend}?");
            match backend.ask(&question, out) {
                Ok(true) => {}
                Ok(false) => return Err(session.not_written(no())),
                Err(failure) => return Err(session.not_written(failure)),
            }
        }
        match write(&options, &ours, &session, backend, out) {
            Ok(()) => return Ok(Exit::Done),
            Err(NotWritten { failure, theirs }) => {
                let may_retry = rounds < MAX_ROUNDS || out.can_ask();
                match theirs {
                    Some(theirs) if may_retry => {
                        session.show_conflicts(&ours, &theirs, failure, backend)
                    }
                    // With JSON output, the refusal is reported already.
                    None if may_retry
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
struct NotWritten {
    failure: Failure,
    /// The current state, if other clients have changed the same lines.
    theirs: Option<Box<Contents>>,
}

fn write(
    options: &Options,
    ours: &Contents,
    session: &Session,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), NotWritten> {
    let conflicting = RefCell::new(None);
    let is_merged = Cell::new(false);
    let is_deleted =
        |snapshot: &Snapshot| session.is_stored() && snapshot.resource_version.is_none();
    let base = session.base();
    let request = |snapshot: &Snapshot| {
        conflicting.take();
        let conflict = |what: &str| Failure::new(Kind::Conflict, what);
        if is_deleted(snapshot) {
            return Err(
                conflict("aws-auth was deleted in the meantime; nothing was written")
                    .hint("restore it first: awsauth restore"),
            );
        }
        let theirs = Contents::of(snapshot).existing();
        is_merged.set(theirs != *base);
        let contents = combine(base, ours, &theirs).map_err(|overlap| {
            conflicting.replace(Some(theirs));
            conflict(
                "other clients have changed the same lines in the meantime; nothing was written",
            )
            .because(&overlap)
        })?;
        Ok(Request {
            contents: Some(contents),
            ..Request::default()
        })
    };
    let transaction = Transaction {
        edits: &[],
        request: &request,
        create: true,
        entries: None,
        verify: None,
        options,
    };
    let done = transaction.run(backend, out);
    match (done, conflicting.take()) {
        (Ok(_), _) => {
            if is_merged.get() {
                out.note(
                    "Other clients have changed aws-auth in the meantime: their changes stay.",
                );
            }
            Ok(())
        }
        (Err(failure), theirs) => Err(NotWritten {
            failure,
            theirs: theirs.map(Box::new),
        }),
    }
}

fn no() -> Failure {
    Failure::new(Kind::Refused, "the answer was no; nothing was written")
}
