//! `awsauth restore`.

use std::io;
use std::path::Path;

use super::history::find;
use super::undo::{describe, no_write};
use super::write_args::WriteArgs;
use crate::backend::{Backend, bounded_read};
use crate::output::PlanFormat;
use crate::terminal::{Exit, Failure, Out};
use crate::write::{Options, Transaction};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::history::{BackupFile, Contents, Side, read_file};
use awsauth_core::plan::{Plan, Request};

/// Restore aws-auth from the history or a file
///
/// With REVISION, restores aws-auth as it was before that write. With FILE, restores the file's content. Without an argument,
/// restores what awsauth last wrote, and so undoes later changes by other clients; if aws-auth was deleted, restores the last
/// state before the deletion, even if the controller has recreated aws-auth. Replaces all of data and binaryData. Labels and
/// other annotations stay. The owners annotation also stays if the file has none. Creates aws-auth if it was deleted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # A revision of the history
  awsauth restore 12 --dry-run
  awsauth restore 12

  # A file that backup or kubectl wrote
  awsauth restore backup.yaml")]
pub(crate) struct Args {
    /// A revision number from history, a file from backup or any manifest of aws-auth, or - for stdin
    #[arg(value_name = "REVISION|FILE")]
    from: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        self.write.answer.output
    }
}

/// Restores aws-auth.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let restoration = Restoration::find(args.from.as_deref(), backend, out)?;
    restoration.write(&args.write.options(backend), backend, out)?;
    Ok(Exit::Done)
}

/// The contents to restore.
pub(super) struct Restoration {
    contents: Contents,
    /// Whether the contents include the owners of the entries.
    has_owners: bool,
}

impl Restoration {
    /// Reads the contents from a file, or from the history: those before the write of a revision or, without a name, the
    /// latest ones.
    pub(super) fn find(
        from: Option<&str>,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        // This is checked before the history is read, because a manifest has no history.
        let Some(path) = from.filter(|from| !is_revision(from)) else {
            return Ok(Self {
                contents: recorded(from, backend, out)?,
                has_owners: true,
            });
        };
        backend.must_be_cluster()?;
        let BackupFile {
            contents,
            revision,
            server,
        } = file(path)?;
        if let Some(server) = server.filter(|server| !backend.is_at(server)) {
            out.note(&format!(
                "The file is a backup of {server}; it is restored to {backend}."
            ));
        }
        Ok(Self {
            has_owners: revision.is_some() || contents.owners_annotation.is_some(),
            // The file of a revision may describe a time without an aws-auth.
            contents: revision.map_or(contents, |revision| revision.before.existing()),
        })
    }

    /// Restores the contents.
    pub(super) fn write(
        &self,
        options: &Options,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<Plan, Failure> {
        let request = |snapshot: &Snapshot| {
            let mut contents = self.contents.clone();
            if !self.has_owners {
                // A claim that does not match its entry prunes nothing.
                contents
                    .owners_annotation
                    .clone_from(&snapshot.owners_annotation);
            }
            Ok(Request {
                contents: Some(contents),
                ..Request::default()
            })
        };
        Transaction {
            edits: &[],
            request: &request,
            create: true,
            entries: None,
            verify: None,
            options,
        }
        .run(backend, out)
    }
}

/// Returns the contents before this revision's write; without a name, the latest ones.
fn recorded(name: Option<&str>, backend: &Backend, out: &mut Out) -> Result<Contents, Failure> {
    let history = backend.history(out)?;
    if history.is_changed_by_others() {
        let by = history.last_writer_or_unknown();
        out.note(&format!(
            "Other clients have changed aws-auth since the newest recorded write (last by {by}): that is undone, too."
        ));
    }
    let (name, then, contents, revision) = match name {
        Some(name) => {
            let (entry, revision) = find(&history, name)?;
            if revision.entries.is_some() {
                return Err(Failure::usage(format!(
                    "revision {name} changed access entries, and restore is about aws-auth"
                ))
                .hint(format!("undo it: awsauth undo {name} --cluster-name NAME")));
            }
            (&entry.name, "was there before", &revision.before, revision)
        }
        None => {
            let latest = history.latest_text();
            let (name, revision, side) = latest.ok_or_else(|| no_write(&history, backend))?;
            let then = match side {
                Side::Before => "was there before",
                Side::After => "was there after",
            };
            (name, then, side.of(revision), revision)
        }
    };
    out.note(&format!(
        "Restoring what {then} revision {name}: {}",
        describe(revision)
    ));
    Ok(contents.existing())
}

/// Whether it is a revision number. A file with such a name can be given as `./7`.
fn is_revision(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn file(path: &str) -> Result<BackupFile, Failure> {
    let cannot = || Failure::usage(format!("cannot read aws-auth from {path}"));
    let read = match path {
        "-" => bounded_read::stdin(),
        path => bounded_read::file(Path::new(path)),
    };
    let read = read.and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
    let text = read.map_err(|error| {
        cannot()
            .because(&error)
            .hint("give a revision number from awsauth history, or a file")
    })?;
    read_file(&text).map_err(|error| cannot().because(&error))
}
