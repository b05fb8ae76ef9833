//! Undoes a write to access entries.

use std::collections::{HashMap, HashSet};

use super::{Args, RACE, UNTRUSTED, describe};
use crate::backend::{Backend, FirstRead};
use crate::commands::confirmation::confirm;
use crate::terminal::{Failure, Kind, Out};
use crate::write::PlannedEntries;
use awsauth_core::access_entries::migrate::is_migrated;
use awsauth_core::access_entries::{EntryChange, difference_between};
use awsauth_core::arn::{is_same_principal, principal_key};
use awsauth_core::authenticator::{AccessEntries, Store};
use awsauth_core::document::Document;
use awsauth_core::facts::access_entries::{AccessEntry, AccessTerms};
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::groups::MASTERS;
use awsauth_core::facts::iam_inventory::Existence;
use awsauth_core::history::{EntryWrite, Revision, Unreadable};
use awsauth_core::plan::Known;
use awsauth_core::shell_quote::quoted;

/// Plans the changes that restore the access entries that a write changed, and asks for confirmation if they give access.
///
/// # Errors
/// If the write is not trusted, the entries are unknown, another client has changed them since, or the user answers no.
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
        let what = format!(
            "the changes of revision {name} are not those of the command that it records: {contradiction}"
        );
        return Err(untrusted(what, name));
    }
    let first = backend.read_for_plan(true, true, out)?;
    let first = first.ok_or_else(|| Failure::usage("there is no cluster"))?;
    let principals: HashSet<&str> = write.principals().collect();
    let known = backend.access_entries(&|arn| principals.contains(arn), out);
    let known = known.filter(|known| known.all().is_some()).ok_or_else(|| {
        Failure::new(
            Kind::Unreachable,
            "cannot restore access entries that cannot be listed",
        )
        .hint("allow eks:ListAccessEntries, eks:DescribeAccessEntry and eks:ListAssociatedAccessPolicies")
    })?;
    let live = known.all().unwrap_or_default().iter();
    let live: HashMap<&str, &AccessEntry> = live
        .map(|entry| (entry.principal_arn.as_str(), entry))
        .collect();
    let changes = write.changes.iter().map(|change| {
        let live = live.get(change.principal_arn.as_str());
        reverted(change, live.copied(), args.whole, name)
    });
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    refuse_ignored_mappings(name, revision, write, &changes, known.mode())?;
    refuse_missing_binding(&changes, &first, backend)?;
    out.note(&format!("Undoing revision {name}: {}", describe(revision)));
    let changes = without_deleted_principals(changes, &known, backend, out);
    if changes.is_empty() {
        return Err(Failure::new(
            Kind::Refused,
            format!("no access entry of revision {name} can be restored, because the principals do not exist in IAM"),
        )
        .hint("create the role or user again, or map another one: awsauth map"));
    }
    let undo = EntryWrite::of_changes(known.mode(), changes);
    if !args.write.options(backend).mode.is_dry_run() {
        let document = Document::read(&first.snapshot.data);
        confirm_access(args, name, &undo, &document, backend, out)?;
    }
    Ok(PlannedEntries::new(first, known, undo.changes))
}

/// Refuses to undo writes that awsauth cannot have recorded.
pub(super) fn contradiction(name: &str, why: &Unreadable) -> Failure {
    let what = format!("awsauth cannot have made the write of revision {name}: {why}");
    untrusted(what, name)
}

fn untrusted(what: String, name: &str) -> Failure {
    Failure::refused(UNTRUSTED, what).hint(format!(
        "find out who has written awsauth-history, and change the access entries by name: awsauth history show {name}; awsauth map; awsauth unmap"
    ))
}

/// Refuses to delete an access entry that replaced a mapping in aws-auth, if the cluster now ignores aws-auth.
fn refuse_ignored_mappings(
    name: &str,
    revision: &Revision,
    write: &EntryWrite,
    changes: &[EntryChange],
    mode: AuthenticationMode,
) -> Result<(), Failure> {
    if mode != AuthenticationMode::Api || write.mode == AuthenticationMode::Api {
        return Ok(());
    }
    let document = Document::read(&revision.before.data);
    let store = Store::new(&document);
    let mapped = store.in_force().map(|(mapped, _)| principal_key(mapped));
    let mapped: HashSet<String> = mapped.collect();
    let mut deleted = changes.iter().filter(|change| {
        change.before.is_some()
            && change.after.is_none()
            && mapped.contains(&principal_key(&change.principal_arn))
    });
    let Some(change) = deleted.next() else {
        return Ok(());
    };
    let arn = &change.principal_arn;
    Err(Failure::refused(
        RACE,
        format!("aws-auth gave {arn} its access before revision {name}, and the cluster ignores aws-auth now: without its access entry, it could not sign in"),
    )
    .hint(format!(
        "to take access away, unmap each principal: awsauth unmap role {}",
        quoted(arn)
    )))
}

/// Refuses to create the access entry of an administrator of aws-auth again whose permissions came from a ClusterRoleBinding that
/// is gone: the access entry would take precedence over aws-auth, and give fewer permissions.
fn refuse_missing_binding(
    changes: &[EntryChange],
    first: &FirstRead,
    backend: &Backend,
) -> Result<(), Failure> {
    let Known::Is(admins) = &first.facts.admins else {
        return Ok(());
    };
    let document = Document::read(&first.snapshot.data);
    let store = Store::new(&document);
    let is_mapped_admin = |arn: &str| {
        let mut mapped = store.in_force();
        mapped.any(|(mapped, slot)| {
            let mut groups = slot.mapping.groups().iter();
            is_same_principal(mapped, arn) && groups.any(|group| group == MASTERS)
        })
    };
    let lacks_rights = |terms: &AccessTerms| {
        let mut groups = terms.groups.iter();
        let mut policies = terms.policies().iter();
        is_migrated(terms)
            && !groups.any(|group| admins.groups.contains(group))
            && !policies.any(|policy| policy.is_cluster_admin())
    };
    let mut created = changes.iter().filter(|change| change.before.is_none());
    let lost = created.find(|change| {
        change.after.as_ref().is_some_and(lacks_rights) && is_mapped_admin(&change.principal_arn)
    });
    match lost {
        None => Ok(()),
        Some(change) => Err(Failure::new(
            Kind::Refused,
            format!(
                "{} would not be an administrator: no ClusterRoleBinding binds the groups of its access entry to cluster-admin any more",
                change.principal_arn
            ),
        )
        .hint(format!(
            "create the ClusterRoleBinding and the access entries again: awsauth migrate --cluster-name {} --apply",
            quoted(backend.eks().map_or("NAME", |eks| &eks.facts.name))
        ))),
    }
}

/// Leaves out the access entries of principals that do not exist in IAM, because EKS refuses them.
fn without_deleted_principals(
    changes: Vec<EntryChange>,
    known: &AccessEntries,
    backend: &Backend,
    out: &mut Out,
) -> Vec<EntryChange> {
    let created = changes.iter().filter(|change| change.before.is_none());
    let created: Vec<AccessEntry> = created.filter_map(EntryChange::entry_after).collect();
    if created.is_empty() {
        return changes;
    }
    let created = AccessEntries::new(known.mode(), Some(created));
    let principals = backend.principals_of(&created, out);
    let is_deleted = |change: &EntryChange| {
        let existence = principals.as_ref()?.existence(&change.principal_arn)?;
        Some(change.before.is_none() && change.after.is_some() && existence == Existence::Absent)
    };
    let (deleted, kept): (Vec<_>, Vec<_>) = changes
        .into_iter()
        .partition(|change| is_deleted(change).unwrap_or(false));
    for change in deleted {
        out.note(&format!(
            "Not restored: the access entry of {}, which does not exist in IAM, so that EKS refuses the entry.",
            change.principal_arn
        ));
    }
    kept
}

/// Prints the operations and asks, if the undo gives access: users who can write `awsauth-history` determine that access.
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
    let gains = Vec::from_iter(undo.principals_with_new_access(aws_auth));
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
    live: Option<&AccessEntry>,
    whole: bool,
    name: &str,
) -> Result<EntryChange, Failure> {
    let arn = &change.principal_arn;
    let known = |entry: &AccessEntry| {
        let terms = entry.terms.clone();
        let terms = terms.filter(|terms| terms.policies.is_some());
        terms.ok_or_else(|| unknown(arn))
    };
    let live = live.map(known).transpose()?;
    let differs = |from: Option<&AccessTerms>| difference_between(arn, live.as_ref(), from);
    let is_undone = differs(change.before.as_ref()).is_none();
    if !whole
        && !is_undone
        && let Some(difference) = differs(change.after.as_ref())
    {
        return Err(Failure::refused(
            RACE,
            format!(
                "the access entry of {arn} has been changed since revision {name}: {difference}"
            ),
        )
        .hint(format!(
            "restore it as it was before, and lose the later changes: awsauth undo {name} --whole"
        )));
    }
    let mut after = match is_undone {
        true => live.clone(),
        false => change.before.clone(),
    };
    if let (Some(after), Some(live)) = (&mut after, &live)
        && after.is_for_nodes()
        && after.kind == live.kind
    {
        // EKS has set them.
        after.username.clone_from(&live.username);
        after.groups.clone_from(&live.groups);
    }
    Ok(EntryChange {
        principal_arn: arn.clone(),
        before: live,
        after,
    })
}

fn unknown(arn: &str) -> Failure {
    Failure::new(
        Kind::Unreachable,
        format!("EKS does not return the contents of the access entry of {arn}"),
    )
    .hint("allow eks:DescribeAccessEntry and eks:ListAssociatedAccessPolicies")
}
