//! Applies a plan's access entry changes and reads them back.

use std::thread;
use std::time::{Duration, Instant};

use crate::backend::{Backend, HistoryOptions};
use crate::terminal::{Failure, Kind, Out};
use awsauth_core::access_entries::{EntryChange, difference_between};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::facts::access_entries::AccessTerms;

/// The pause between two reads. It takes EKS a few seconds until all calls return a change:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
const PAUSE: Duration = Duration::from_secs(1);

/// Records the changes in the history, carries them out, and waits until EKS returns them.
///
/// # Errors
/// If they cannot be recorded, a call fails, or EKS returns something else.
pub(super) fn write_entries(
    changes: &[EntryChange],
    backup: &HistoryOptions,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    if changes.is_empty() {
        return Ok(());
    }
    // EKS has no conditional writes. This leaves only a short time in which a change of another client would be lost.
    if let Read::Different(difference) =
        read(changes, |change| change.before.as_ref(), backend, out)
    {
        return Err(Failure::new(
            Kind::Conflict,
            format!("another client has changed an access entry in the meantime, so it was not written: {difference}"),
        )
        .hint("run the same command again"));
    }
    backend.record_entries(changes, backup, out)?;
    let operations = changes.iter().flat_map(EntryChange::operations);
    backend.execute(&operations.collect::<Vec<_>>(), out)?;
    read_back(changes, backend, out)
}

/// What EKS returns, compared with what is expected.
enum Read {
    Same,
    /// How an entry differs; a clause.
    Different(String),
    Unknown,
}

/// Compares the entries of EKS with those that `expected` returns.
fn read(
    changes: &[EntryChange],
    expected: impl Fn(&EntryChange) -> Option<&AccessTerms>,
    backend: &Backend,
    out: &mut Out,
) -> Read {
    let is_changed = |arn: &str| changes.iter().any(|change| change.principal_arn == arn);
    let entries = backend.access_entries(&is_changed, out);
    let Some(entries) = entries.as_deref().and_then(AccessEntries::all) else {
        return Read::Unknown;
    };
    let differs = |change: &EntryChange| {
        let arn = &change.principal_arn;
        let mut entries = entries.iter();
        let found = entries.find(|entry| entry.principal_arn == *arn);
        let terms = found.and_then(|entry| entry.terms.as_ref());
        let difference = match found.is_some() && terms.is_none() {
            true => Some("its contents are unknown".to_owned()),
            false => difference_between(arn, terms, expected(change)),
        };
        difference.map(|difference| format!("the access entry of {arn}: {difference}"))
    };
    match changes.iter().find_map(differs) {
        Some(difference) => Read::Different(difference),
        None => Read::Same,
    }
}

/// Waits until EKS returns the entries as they were written.
fn read_back(changes: &[EntryChange], backend: &Backend, out: &mut Out) -> Result<(), Failure> {
    let deadline = Instant::now() + backend.timeout();
    loop {
        let difference = match read(changes, |change| change.after.as_ref(), backend, out) {
            Read::Same => return Ok(()),
            Read::Different(difference) => difference,
            Read::Unknown => {
                out.note("Not checked: whether EKS returns what was written.");
                return Ok(());
            }
        };
        if Instant::now() >= deadline {
            return Err(Failure::new(
                Kind::Conflict,
                format!("EKS does not return what was written, or another client has changed it: {difference}"),
            )
            .hint("see what is stored: awsauth get"));
        }
        thread::sleep(PAUSE);
    }
}

/// Undoes changes to access entries.
///
/// # Errors
/// If a call fails.
pub(super) fn restore_entries(
    changes: &[EntryChange],
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    if changes.is_empty() {
        return Ok(());
    }
    let operations = changes.iter().rev();
    let operations: Vec<_> = operations
        .flat_map(|change| change.inverse().operations())
        .collect();
    backend.roll_back(&operations, out).map(drop)
}
