//! Undoes a write to access entries.

use super::{Args, RACE, UNTRUSTED, describe};
use crate::backend::Backend;
use crate::commands::confirmation::confirm;
use crate::terminal::{Failure, Kind, Out};
use crate::write::PlannedEntries;
use awsauth_core::access_entries::{EntryChange, difference_between};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::document::Document;
use awsauth_core::facts::access_entries::AccessTerms;
use awsauth_core::history::{EntryWrite, Revision};

/// Plans the changes that restore the access entries that a write changed, and asks if they give access.
///
/// # Errors
/// If the write is not to be trusted, the entries are unknown, another client has changed them since, or the answer is no.
pub(super) fn plan(
    args: &Args,
    name: &str,
    revision: &Revision,
    write: &EntryWrite,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<PlannedEntries, Failure> {
    if backend.eks().is_none() {
        return Err(Failure::usage(format!(
            "revision {name} changed access entries, which can be restored only through EKS"
        ))
        .hint("name the cluster: --cluster-name NAME"));
    }
    if let Some(contradiction) = write.contradiction(&revision.command) {
        return Err(Failure::refused(
            UNTRUSTED,
            format!("the changes of revision {name} are not those of the command that it records: {contradiction}"),
        )
        .hint(format!(
            "find out who has written awsauth-history, and change the access entries by name: awsauth history show {name}; awsauth map; awsauth unmap"
        )));
    }
    let first = backend.read_for_plan(true, true, out)?;
    let first = first.ok_or_else(|| Failure::usage("there is no cluster"))?;
    let known = backend.access_entries(&|arn| write.is_about(arn), out);
    let known = known.filter(|known| known.all().is_some()).ok_or_else(|| {
        Failure::new(
            Kind::Unreachable,
            "cannot restore access entries that cannot be listed",
        )
        .hint("allow eks:ListAccessEntries, eks:DescribeAccessEntry and eks:ListAssociatedAccessPolicies")
    })?;
    let changes = write.changes.iter();
    let changes = changes.map(|change| reverted(change, &known, args.whole, name));
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    out.note(&format!("Undoing revision {name}: {}", describe(revision)));
    let undo = EntryWrite {
        sequence: write.sequence,
        mode: known.mode(),
        changes,
    };
    if !args.write.options(backend).mode.is_dry_run() {
        let document = Document::read(&first.snapshot.data);
        confirm_access(args, name, &undo, &document, backend, out)?;
    }
    Ok(PlannedEntries::new(first, known, undo.changes))
}

/// Prints the operations and asks, if the undo gives access: users who can write `awsauth-history` decide what it gives.
///
/// # Errors
/// If the answer is no, or there is neither a terminal nor `--yes`.
fn confirm_access(
    args: &Args,
    name: &str,
    undo: &EntryWrite,
    aws_auth: &Document,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let changes = undo.access_changes(aws_auth);
    let gains: Vec<&str> = changes
        .iter()
        .filter(|change| change.gives_access())
        .map(|change| change.arn.as_str())
        .collect();
    if gains.is_empty() || args.yes {
        return Ok(());
    }
    let cluster = backend.eks().map_or("", |eks| eks.facts.name.as_str());
    for operation in undo.changes.iter().flat_map(EntryChange::operations) {
        out.note(&format!(
            "The undo would run: {}",
            operation.command(cluster)
        ));
    }
    if !out.can_ask() {
        return Err(Failure::refused(
            UNTRUSTED,
            format!(
                "the undo gives access to {}, as awsauth-history records it",
                gains.join(", ")
            ),
        )
        .hint(format!("check the revision: awsauth history show {name}"))
        .hint("if this is intended, add --yes")
        .unless("--yes"));
    }
    let question = format!("Give access to {} on {backend}?", gains.join(", "));
    confirm(&question, args.yes, backend, out)
}

/// Returns the change that restores an entry as it was before `change`.
///
/// # Errors
/// If another client has changed the entry since, unless `whole`.
fn reverted(
    change: &EntryChange,
    known: &AccessEntries,
    whole: bool,
    name: &str,
) -> Result<EntryChange, Failure> {
    let arn = &change.principal_arn;
    let mut entries = known.all().unwrap_or_default().iter();
    let live = match entries.find(|entry| entry.principal_arn == *arn) {
        None => None,
        Some(entry) => {
            let terms = entry.terms.clone();
            let terms = terms.filter(|terms| terms.policies.is_some());
            Some(terms.ok_or_else(|| unknown(arn))?)
        }
    };
    let differs = |from: Option<&AccessTerms>| difference_between(arn, live.as_ref(), from);
    let is_undone = differs(change.before.as_ref()).is_none();
    if !whole
        && !is_undone
        && let Some(difference) = differs(change.after.as_ref())
    {
        return Err(Failure::refused(
            RACE,
            format!("the access entry of {arn} has been changed since revision {name}: {difference}"),
        )
        .hint(format!(
            "restore it as it was before, and lose what was changed since: awsauth undo {name} --whole"
        )));
    }
    Ok(EntryChange {
        principal_arn: arn.clone(),
        after: match is_undone {
            true => live.clone(),
            false => change.before.clone(),
        },
        before: live,
    })
}

fn unknown(arn: &str) -> Failure {
    Failure::new(
        Kind::Unreachable,
        format!("EKS does not return the contents of the access entry of {arn}"),
    )
    .hint("allow eks:DescribeAccessEntry and eks:ListAssociatedAccessPolicies")
}
