//! `awsauth history`

mod list;

use std::sync::Arc;

use clap::Subcommand;

use super::{Format, OutputArgs};
use crate::backend::{Backend, History, HistoryEntry};
use crate::output::{history_table, report_json, report_text, revision_heading};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::history::{Contents, Revision};
use awsauth_core::plan::{Plan, Request};

/// Show the changes of access, their authors and reasons
///
/// Each write to aws-auth or to access entries stores what it replaces as a revision in the ConfigMap awsauth-history. It keeps the newest
/// 20 revisions of commands, and in addition the newest 10 of the controller and the newest 10 of other clients.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth history

  # What did revision 12 change, and what changed since?
  awsauth history show 12
  awsauth history diff 12")]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    answer: OutputArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show what the write of one revision changed, in aws-auth and in access
    #[command(after_help = "\
Examples:
  awsauth history show 12")]
    Show {
        /// The revision number from history
        #[arg(value_name = "REVISION")]
        revision: String,
        #[command(flatten)]
        answer: OutputArgs,
    },
    /// Compare aws-auth before two writes, or before one write and now
    #[command(after_help = "\
Examples:
  # What changed since revision 12, including its own write?
  awsauth history diff 12

  # Only up to the write of revision 15
  awsauth history diff 12 15")]
    Diff {
        /// Compare from aws-auth as it was just before this revision's write
        #[arg(value_name = "FROM")]
        from: String,
        /// Compare to aws-auth just before this revision's write; by default, to aws-auth now
        #[arg(value_name = "TO")]
        to: Option<String>,
        #[command(flatten)]
        answer: OutputArgs,
    },
}

/// Lists, shows or compares.
pub(crate) fn run(args: &Args, backend: &Backend, out: &mut Out) -> Result<Exit, Failure> {
    let history = backend.history(out)?;
    match &args.what {
        None => print_list(&history, args.answer.output, backend, out),
        Some(What::Show {
            revision,
            answer: format,
        }) => {
            let (entry, revision) = find(&history, revision)?;
            if format.output == Format::Human {
                out.text(&revision_heading(&entry.name.to_string(), revision))?;
            }
            if let Some((from, to)) = revision.mode_change() {
                out.note(&format!(
                    "The authentication mode was changed from {} to {}, which EKS cannot reverse.",
                    from.name(),
                    to.name()
                ));
            }
            let plan = change_of(revision)?;
            answer(&plan, format.output, backend, out)
        }
        Some(What::Diff {
            from,
            to,
            answer: format,
        }) => {
            let from = &find(&history, from)?.1.before;
            let to = match to {
                Some(to) => &find(&history, to)?.1.before,
                None => &history.live,
            };
            answer(&difference(from, to)?, format.output, backend, out)
        }
    }
}

fn print_list(
    history: &History,
    output: Format,
    backend: &Backend,
    out: &mut Out,
) -> Result<Exit, Failure> {
    match output {
        Format::Json => {
            let json = list::json(history).map_err(|error| Failure::bug(&error))?;
            out.json(&json)?;
        }
        Format::Human => {
            if history.entries.is_empty() {
                out.note(&format!("The history has no writes to {backend}."));
                return Ok(Exit::Done);
            }
            out.text(&history_table(&list::rows(history), out.width()))?;
        }
    }
    Ok(Exit::Done)
}

/// Finds a revision by its name.
///
/// # Errors
/// If there is no such revision, or it cannot be read.
pub(super) fn find<'h>(
    history: &'h History,
    name: &str,
) -> Result<(&'h HistoryEntry, &'h Revision), Failure> {
    let Some(entry) = history.find(name) else {
        return Err(
            Failure::new(Kind::No, format!("there is no revision {name}"))
                .hint("list the revisions: awsauth history"),
        );
    };
    match &entry.revision {
        Ok((revision, _)) => Ok((entry, revision)),
        Err(why) => Err(Failure::new(
            Kind::Usage,
            format!("revision {name} cannot be read: {why}"),
        )
        .hint("list the readable revisions: awsauth history")),
    }
}

/// Returns the plan that makes the change of a revision.
fn change_of(revision: &Revision) -> Result<Plan, Failure> {
    let Some(write) = &revision.entries else {
        return difference(&revision.before, &revision.after);
    };
    let entries = AccessEntries::new(write.mode, Some(write.entries_before()));
    let request = Request {
        access_entries: Some(Arc::new(entries)),
        entry_changes: write.changes.clone(),
        is_only_shown: true,
        ..Request::default()
    };
    Plan::new(&revision.before.snapshot(), &request).map_err(|error| Failure::bug(&error))
}

/// Returns the plan that changes one state into the other.
pub(super) fn difference(from: &Contents, to: &Contents) -> Result<Plan, Failure> {
    let request = Request {
        contents: Some(to.clone()),
        is_only_shown: true,
        ..Request::default()
    };
    Plan::new(&from.snapshot(), &request).map_err(|error| Failure::bug(&error))
}

fn answer(plan: &Plan, output: Format, backend: &Backend, out: &mut Out) -> Result<Exit, Failure> {
    match output {
        Format::Human => out.text(&report_text(plan, backend.eks_name()))?,
        Format::Json => {
            let report = report_json(plan, plan.is_change(), backend.eks_name(), None);
            out.json(&report.map_err(|error| Failure::bug(&error))?)?;
        }
    }
    Ok(Exit::Done)
}
