//! `awsauth expire`.

use jiff::Timestamp;

use super::write_args::WriteArgs;
use crate::backend::{Backend, Reading};
use crate::output::{PlanFormat, short_name};
use crate::terminal::{Exit, Failure, Out};
use crate::write::{PlannedEntries, Transaction};
use awsauth_core::access_entries::{EntryChange, recorded_expiry};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::edit::Edit;
use awsauth_core::document::{Document, SectionName};
use awsauth_core::expiry::Clocks;
use awsauth_core::owners_annotation::{ANNOTATION, DueEntries, EntryRef, Owners, due_entries};
use awsauth_core::plan::Request;

/// Remove access that has expired
///
/// Removes entries whose expiry has passed; meant for cron and CI. An entry that was changed after its expiry was set is kept. On a
/// cluster, the API server's clock must agree with that of this machine. With --cluster-name, also removes EKS access entries. The
/// controller removes those of AwsAuthMapping objects.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # What would be removed?
  awsauth expire --dry-run

  # In a cron job
  awsauth expire --cluster-name prod")]
pub(crate) struct Args {
    #[command(flatten)]
    write: WriteArgs,
}

/// Expired access in both stores.
struct Due {
    in_aws_auth: DueEntries,
    /// The removals of access entries.
    entries: Vec<EntryChange>,
    /// When the next access entry expires.
    next_entry: Option<Timestamp>,
}

/// Removes what is due. If a guard refuses some of it, removes the rest.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let clocks = backend.clocks(out)?;
    let known = backend.access_entries(&|_| true, out);
    let reading = backend.read(out)?;
    let owners = Owners::read(reading.snapshot.owners_annotation.as_deref());
    if let Some(reason) = owners.unreadable() {
        return Err(Failure::usage(format!(
            "cannot read when entries expire: the annotation {ANNOTATION} is invalid: {reason}"
        ))
        .hint("to list what wrote it: awsauth history; to give up all owners and times: kubectl -n kube-system annotate configmap aws-auth awsauth.dev/owners-"));
    }
    let mut due = Due::of(&reading.snapshot, &owners, known.as_deref(), &clocks);
    if known.as_deref().is_some_and(|known| !known.uses_aws_auth()) {
        due.in_aws_auth = DueEntries::default();
    }
    due.report(&reading, known.as_deref(), &clocks, out);
    let whole = remove(args, &clocks, &|_| true, &due.entries, backend, out);
    let count = due.in_aws_auth.remove.len() + due.entries.len();
    let can_retry = args.write.answer.output == PlanFormat::Human && count > 1;
    match whole {
        Err(refusal) if refusal.is_refused() && can_retry => {
            out.note("A guard refuses to remove all of it together: removing one by one.");
            let mut refused = None;
            for (entry, _) in &due.in_aws_auth.remove {
                let is_this = |other: &EntryRef| other.principal == entry.principal;
                let done = remove(args, &clocks, &is_this, &[], backend, out);
                refused = rest_refused(done, refused, out)?;
            }
            for change in &due.entries {
                let one = std::slice::from_ref(change);
                let done = remove(args, &clocks, &|_| false, one, backend, out);
                refused = rest_refused(done, refused, out)?;
            }
            refused.map_or(Ok(Exit::Done), Err)
        }
        whole => whole.map(|()| Exit::Done),
    }
}

/// Keeps this refusal, and prints the previous one.
///
/// # Errors
/// If the removal failed otherwise.
fn rest_refused(
    done: Result<(), Failure>,
    before: Option<Failure>,
    out: &mut Out,
) -> Result<Option<Failure>, Failure> {
    match done {
        Ok(()) => Ok(before),
        Err(failure) if failure.is_refused() => {
            if let Some(before) = before {
                out.failure(&before.render(out.program()));
            }
            Ok(Some(failure))
        }
        Err(failure) => Err(failure),
    }
}

/// Removes the selected entries that are due in aws-auth when it is written, and access entries.
fn remove(
    args: &Args,
    clocks: &Clocks,
    is_selected: &dyn Fn(&EntryRef) -> bool,
    entries: &[EntryChange],
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let edits = |snapshot: &Snapshot| -> Vec<Edit> {
        let owners = Owners::read(snapshot.owners_annotation.as_deref());
        let due = due_entries(&Document::read(&snapshot.data), &owners, clocks);
        let removed = due.remove.into_iter().map(|(entry, _)| entry);
        let removed = removed.filter(is_selected);
        let unmap = |entry: EntryRef| Edit::Unmap {
            principal: entry.principal,
            only_line: Some(entry.line),
        };
        removed.map(unmap).collect()
    };
    let request = |snapshot: &Snapshot| {
        Ok(Request {
            edits: edits(snapshot),
            ..Request::default()
        })
    };
    let known = backend.access_entries(&|_| true, out);
    let first = match &known {
        Some(_) => backend.read_for_plan(true, false, out)?,
        None => None,
    };
    let planned = first.zip(known).map(|(first, known)| {
        let edits_aws_auth = known.uses_aws_auth() && !edits(&first.snapshot).is_empty();
        let mut planned = PlannedEntries::new(first, known, entries.to_vec());
        planned.edits_aws_auth = edits_aws_auth;
        planned
    });
    let mut options = args.write.options(backend);
    options.reason.get_or_insert_with(|| "expired".to_owned());
    let transaction = Transaction {
        edits: &[],
        request: &request,
        create: false,
        entries: planned,
        verify: None,
        options: &options,
    };
    transaction.run(backend, out).map(drop)
}

impl Due {
    fn of(
        snapshot: &Snapshot,
        owners: &Owners,
        known: Option<&AccessEntries>,
        clocks: &Clocks,
    ) -> Self {
        let in_aws_auth = due_entries(&Document::read(&snapshot.data), owners, clocks);
        let (mut entries, mut next_entry) = (Vec::new(), None::<Timestamp>);
        for entry in known.and_then(AccessEntries::all).unwrap_or_default() {
            let Some(expiry) = recorded_expiry(entry).filter(|expiry| !expiry.is_changed) else {
                continue;
            };
            if clocks.agree_on(expiry.at) == Some(true) {
                entries.push(EntryChange {
                    principal_arn: entry.principal_arn.clone(),
                    before: entry.terms.clone(),
                    after: None,
                });
            } else {
                next_entry = next_entry.into_iter().chain([expiry.at]).min();
            }
        }
        Self {
            in_aws_auth,
            entries,
            next_entry,
        }
    }

    /// Prints which expired entries were not removed, and when the next entry expires.
    fn report(
        &self,
        reading: &Reading,
        known: Option<&AccessEntries>,
        clocks: &Clocks,
        out: &mut Out,
    ) {
        for (entry, at) in &self.in_aws_auth.changed {
            let by = reading.last_writer(entry.section);
            let by = by.map_or_else(String::new, |by| format!(" ({by})"));
            out.note(&format!(
                "warning: {} was to expire at {at}, but has been changed in the meantime{by}, so it stays. To remove it: awsauth unmap",
                place(entry)
            ));
        }
        for entry in known.and_then(AccessEntries::all).unwrap_or_default() {
            if let Some(expiry) = recorded_expiry(entry).filter(|expiry| expiry.is_changed)
                && clocks.agree_on(expiry.at) == Some(true)
            {
                out.note(&format!(
                    "warning: the access entry of {} was to expire at {}, but has been changed in the meantime, so it stays. To remove it: awsauth unmap",
                    entry.principal_arn, expiry.at
                ));
            }
        }
        for (entry, at) in &self.in_aws_auth.disputed {
            out.note(&format!(
                "warning: {} expires at {at}, which only one of this machine's clock ({}) and the API server's has reached: it stays.",
                place(entry),
                clocks.local
            ));
        }
        if !self.in_aws_auth.remove.is_empty() || !self.entries.is_empty() {
            return;
        }
        let next = self.in_aws_auth.next.into_iter().chain(self.next_entry);
        out.note(&match next.min() {
            Some(next) => format!("Nothing has expired. The next entry expires at {next}."),
            None => "Nothing has expired, and no entry has an expiry time.".to_owned(),
        });
    }
}

fn place(entry: &EntryRef) -> String {
    let section: SectionName = entry.section;
    let name = short_name(&entry.principal);
    format!("{name} at {} line {}", section.key(), entry.line)
}

impl Args {
    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        self.write.answer.output
    }
}
