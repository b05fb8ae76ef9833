//! Adds the changes to access entries to a decision about aws-auth, and reports the objects whose mapping is one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::super::config::OnWithdrawal;
use super::super::decision::{
    AccessEntryChange, AccessEntryFailure, Decision, Event, EventKind, Input, Memory, ObjectReport,
    Preparation, Regarding, Stage,
};
use super::super::mapping_object::{
    Condition, ConditionKind, DeletionPolicy, Object, Reason, Status,
};
use super::access_entry_plan::{AccessEntryOutcomes, EntryOutcome, ObjectEntries};
use super::desired_entry::describe;
use super::edit_batch::controller_facts;
use super::listed_access_entries::{is_complete, is_read, reads_aws_auth};
use super::object_report::{canonical_arn, condition};
use super::owner_resolver::Resolver;
use crate::arn::principal_key;
use crate::plan::{Guard, Plan, Request};

/// The most changes of one decision. The next one continues.
const MAX_CHANGES: usize = 20;

/// The longest delay before a retry. A later time was set before the clock was corrected.
const MAX_RETRY_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// Adds the outcomes to a decision about aws-auth. Access entries must change only if aws-auth does not: the guards check both against the
/// stored aws-auth.
pub(super) fn add(resolver: &mut Resolver<'_>, decision: &mut Decision) {
    let mut outcomes = std::mem::take(&mut resolver.access_entries);
    if resolver.input.stage == Stage::Preparing {
        prepare_finalizers(resolver, &outcomes, decision);
    }
    decision.aws_query = std::mem::take(&mut outcomes.query);
    decision.memory.entry_failures = failures(resolver, &outcomes);
    let mut changes = Vec::new();
    for abandoned in &outcomes.abandoned {
        let Some((change, event)) = &abandoned.revocation else {
            continue;
        };
        if let Some(failure) = suspended(resolver, &abandoned.uid, 0, decision) {
            let retry_at = decision.retry_at.into_iter().chain([failure.retry_at]);
            decision.retry_at = retry_at.min();
        } else {
            changes.push(AccessEntryChange {
                object: None,
                uid: abandoned.uid.clone(),
                change: change.clone(),
                event: event.clone(),
            });
        }
    }
    for &at in &resolver.order {
        let Some(entries) = outcomes.objects.get_mut(&at) else {
            continue;
        };
        let object = resolver.object(at);
        let revokes = !entries.revocations.is_empty();
        let is_moved = !entries.is_place && !resolver.is_leaving(at);
        let is_in_aws_auth = decision.reports[at].status.reason() == Some(Reason::Applied);
        let waits = is_moved && !is_in_aws_auth && !revokes;
        if waits || entries.next_changes().is_empty() {
            continue;
        }
        if is_moved && !revokes && decision.plan.is_some() {
            // The report is about aws-auth after a write that may fail.
            decision.has_deferred = true;
            continue;
        }
        if let Some(failure) = suspended(resolver, &object.uid, object.generation, decision) {
            entries.outcome = EntryOutcome::Stalled(Reason::AwsError, failure.message);
            let retry_at = decision.retry_at.into_iter().chain([failure.retry_at]);
            decision.retry_at = retry_at.min();
        } else if !(revokes || prepare(resolver, at, entries, decision)) {
            decision.has_deferred = true;
        } else {
            let of_object = entries.next_changes().iter().cloned();
            changes.extend(of_object.map(|(change, event)| AccessEntryChange {
                object: Some(at),
                uid: object.uid.clone(),
                change,
                event,
            }));
        }
    }
    sort(&mut changes, &decision.memory);
    let mut refused = limit(resolver.input, &mut changes);
    if decision.plan.is_some() && !(changes.is_empty() && refused.is_empty()) {
        // Decided again once the plan is carried out.
        decision.has_deferred = true;
        refused.clear();
    }
    let mut not_revoked = Vec::new();
    for (change, guard, message) in refused {
        decision.refused.push(guard);
        let entries = change.object.and_then(|at| outcomes.objects.get_mut(&at));
        match entries {
            Some(entries) => {
                let message = format!("guard {}: {message}", guard.reason());
                entries.outcome = EntryOutcome::Stalled(Reason::Refused, message);
            }
            None => not_revoked.push((change.change.principal_arn, message)),
        }
    }
    decision.entry_changes = changes;
    report_not_revoked(resolver.input, not_revoked, decision);
    for (&at, entries) in &outcomes.objects {
        let object = resolver.object(at);
        let report = report(resolver.input, object, entries, &decision.reports[at]);
        let is_of_aws_auth = report.status.conditions == decision.reports[at].status.conditions;
        if object.is_deleting || !is_of_aws_auth {
            let events = events(at, object, entries, &report);
            decision.events.extend(events);
        }
        decision.reports[at] = report;
    }
    keep_claims(resolver, &outcomes, decision);
}

/// Reports each entry of an object that does not exist any more, if a guard refuses to delete it, once.
fn report_not_revoked(
    input: &Input<'_>,
    not_revoked: Vec<(String, String)>,
    decision: &mut Decision,
) {
    const STORE: &str = "accessEntries/";
    let reported = &mut decision.memory.not_revoked;
    reported.retain(|key| !key.starts_with(STORE));
    for (arn, why) in not_revoked {
        let key = format!("{STORE}{}", principal_key(&arn));
        if !input.memory.not_revoked.contains(&key) {
            decision.events.push(Event {
                regarding: Regarding::AwsAuth,
                kind: EventKind::Warning,
                reason: "NotRevoked",
                message: format!(
                    "the access entry of {arn}, whose object does not exist any more, cannot be deleted: {why}"
                ),
            });
        }
        reported.insert(key);
    }
}

/// Puts the objects first whose next change deletes an entry, and those last whose changes failed most often: otherwise, a user with many
/// objects that fail could delay the removal of access.
fn sort(changes: &mut [AccessEntryChange], memory: &Memory) {
    let mut is_removal: BTreeMap<String, bool> = BTreeMap::new();
    for change in &*changes {
        let removes = change.change.after.is_none();
        is_removal.entry(change.uid.clone()).or_insert(removes);
    }
    changes.sort_by_cached_key(|change| {
        let failure = memory.entry_failures.get(&change.uid);
        let failures = failure.map_or(0, |failure| failure.count);
        (!is_removal[&change.uid], failures)
    });
}

/// Returns the failures of changes that are still to be made. A change that deletes an entry does not wait for one that failed to create
/// it.
fn failures(
    resolver: &Resolver<'_>,
    outcomes: &AccessEntryOutcomes,
) -> BTreeMap<String, AccessEntryFailure> {
    let of_objects = outcomes.objects.iter().filter_map(|(&at, entries)| {
        let (next, _) = entries.next_changes().first()?;
        Some((&resolver.object(at).uid, next))
    });
    let abandoned = outcomes.abandoned.iter().filter_map(|abandoned| {
        let (next, _) = abandoned.revocation.as_ref()?;
        Some((&abandoned.uid, next))
    });
    let current = of_objects.chain(abandoned).filter_map(|(uid, next)| {
        let failure = resolver.input.memory.entry_failures.get(uid)?;
        let is_current = failure.is_removal == next.after.is_none();
        is_current.then(|| (uid.clone(), failure.clone()))
    });
    current.collect()
}

/// Returns the last failure of the object with this UID and generation, if its next attempt is not due.
fn suspended(
    resolver: &Resolver<'_>,
    uid: &str,
    generation: i64,
    decision: &Decision,
) -> Option<AccessEntryFailure> {
    let failure = decision.memory.entry_failures.get(uid)?;
    let wait = failure.retry_at.duration_since(resolver.input.now);
    let is_suspended =
        failure.generation == generation && wait.is_positive() && wait <= MAX_RETRY_DELAY;
    is_suspended.then(|| failure.clone())
}

/// Records the claim before an entry is created or changed. Returns whether the changes may be made: the claim and the finalizer
/// must be recorded.
fn prepare(
    resolver: &Resolver<'_>,
    at: usize,
    entries: &ObjectEntries,
    decision: &mut Decision,
) -> bool {
    let (input, object) = (resolver.input, resolver.object(at));
    let mut written = entries.changes.iter();
    let Some((change, _)) = written.find(|(change, _)| change.after.is_some()) else {
        return true;
    };
    let arn = &change.principal_arn;
    let is_proven = input.record.proves_access_entry(&object.uid, arn);
    let lacks_finalizer = resolver.lacks_finalizer(at);
    if input.stage == Stage::Writing {
        return is_proven && !lacks_finalizer;
    }
    if !is_proven {
        let record = decision.prepare_record.take();
        let mut record = record.unwrap_or_else(|| input.record.clone());
        record.insert_access_entry(object, arn, resolver.on_withdrawal[at]);
        decision.prepare_record = Some(record);
    }
    true
}

/// Adds the finalizer of objects that own an access entry or are about to, whatever their outcome: without it, the entry would stay when
/// the object is deleted.
fn prepare_finalizers(
    resolver: &Resolver<'_>,
    outcomes: &AccessEntryOutcomes,
    decision: &mut Decision,
) {
    let prepare = decision.prepare.iter();
    let prepared: BTreeSet<usize> = prepare.map(|preparation| preparation.object).collect();
    for &at in &resolver.order {
        let Some(entries) = outcomes.objects.get(&at) else {
            continue;
        };
        let needs_finalizer = entries.keeps_entry() || entries.is_unread;
        if needs_finalizer && resolver.lacks_finalizer(at) && !prepared.contains(&at) {
            decision.prepare.push(Preparation {
                object: at,
                finalizer: true,
                status: None,
            });
        }
    }
}

/// Keeps the first changes that no guard refuses. Returns the first change of each object with a refused one, with the guard and its
/// message.
fn limit(
    input: &Input<'_>,
    changes: &mut Vec<AccessEntryChange>,
) -> Vec<(AccessEntryChange, Guard, String)> {
    let mut refused: Vec<(AccessEntryChange, Guard, String)> = Vec::new();
    let mut accepted: Vec<AccessEntryChange> = Vec::new();
    let needs_check = refusal(input, changes).is_some();
    for changes in changes.chunk_by(|one, other| one.uid == other.uid) {
        if accepted.len() >= MAX_CHANGES {
            break;
        }
        let before = accepted.len();
        accepted.extend_from_slice(changes);
        let refusal = needs_check.then(|| refusal(input, &accepted)).flatten();
        if let Some((guard, message)) = refusal {
            accepted.truncate(before);
            refused.push((changes[0].clone(), guard, message));
        }
    }
    *changes = accepted;
    refused
}

/// Returns why a guard refuses changes.
fn refusal(input: &Input<'_>, changes: &[AccessEntryChange]) -> Option<(Guard, String)> {
    if changes.is_empty() {
        return None;
    }
    let request = Request {
        entry_changes: changes.iter().map(|change| change.change.clone()).collect(),
        access_entries: input.access_entries.cloned(),
        facts: controller_facts(input),
        ..Request::default()
    };
    // Without edits of aws-auth, there is no error.
    let plan = Plan::new(input.stored, &request).ok()?;
    let refusal = plan.refusals.into_iter().next();
    let unknown = (!plan.open_questions.is_empty()).then(|| {
        let message = "cannot verify that an administrator would remain";
        (Guard::LastAdmin, message.to_owned())
    });
    refusal
        .map(|refusal| (refusal.guard, refusal.message))
        .or(unknown)
}

/// Returns the report of an object. `of_aws_auth` is the one about its entries in aws-auth.
fn report(
    input: &Input<'_>,
    object: &Object,
    entries: &ObjectEntries,
    of_aws_auth: &ObjectReport,
) -> ObjectReport {
    let mut report = report_of_outcome(input, object, entries, of_aws_auth);
    let is_expired = matches!(entries.outcome, EntryOutcome::Expired(_));
    let kept = entries.kept.first();
    if let Some((arn, why)) = kept.filter(|_| is_expired && !object.is_deleting) {
        let ready = report.status.condition(ConditionKind::Ready);
        let expired = ready.map_or("", |ready| &ready.message);
        let message = format!("{expired}; the access entry of {arn} is kept: {why}");
        let of =
            |kind, is_true, reason| condition(object, kind, is_true, reason, &message, input.now);
        report.status.conditions = vec![
            of(ConditionKind::Ready, false, Reason::Expired),
            of(ConditionKind::Stalled, true, Reason::Refused),
        ];
    }
    report
}

fn report_of_outcome(
    input: &Input<'_>,
    object: &Object,
    entries: &ObjectEntries,
    of_aws_auth: &ObjectReport,
) -> ObjectReport {
    let is_stalled = matches!(entries.outcome, EntryOutcome::Stalled(..));
    let is_expired = matches!(entries.outcome, EntryOutcome::Expired(_));
    let is_own = entries.is_place || is_expired && !reads_aws_auth(input);
    if !object.is_deleting && !is_own && !is_stalled {
        return of_aws_auth.clone();
    }
    if object.is_deleting && !is_stalled {
        let is_done = entries.next_changes().is_empty();
        return ObjectReport {
            remove_finalizer: of_aws_auth.remove_finalizer && is_done,
            status: of_aws_auth.status.clone(),
        };
    }
    // What the object had in aws-auth may be removed.
    let (entry, pending) = match of_aws_auth.remove_finalizer {
        true => (None, Vec::new()),
        false => {
            let status = &of_aws_auth.status;
            (status.entry.clone(), status.pending.clone())
        }
    };
    if matches!(entries.outcome, EntryOutcome::Pending) {
        return ObjectReport {
            status: Status {
                entry,
                pending,
                ..object.status.clone()
            },
            remove_finalizer: false,
        };
    }
    let retains = object.deletion() == DeletionPolicy::Retain;
    ObjectReport {
        status: Status {
            observed_generation: Some(object.generation),
            canonical_arn: canonical_arn(input, object),
            entry,
            pending,
            access_entry: match &entries.outcome {
                EntryOutcome::Applied { record, is_owned } => is_owned.then(|| record.clone()),
                EntryOutcome::Drifted(_) => object.status.access_entry.clone(),
                _ => object.status.access_entry.clone().filter(|recorded| {
                    let arn = &recorded.principal_arn;
                    !is_read(input, arn) || entries.owned.contains(arn)
                }),
            },
            conditions: conditions(input, object, &entries.outcome),
        },
        remove_finalizer: object.has_finalizer && retains && !object.is_deleting,
    }
}

fn conditions(input: &Input<'_>, object: &Object, outcome: &EntryOutcome) -> Vec<Condition> {
    let (reason, message) = ready_reason(outcome);
    let of = |kind, is_true| condition(object, kind, is_true, reason, &message, input.now);
    let ready = of(ConditionKind::Ready, reason == Reason::Applied);
    let is_stalled = matches!(outcome, EntryOutcome::Stalled(..));
    let stalled = is_stalled.then(|| of(ConditionKind::Stalled, true));
    [ready].into_iter().chain(stalled).collect()
}

fn ready_reason(outcome: &EntryOutcome) -> (Reason, String) {
    match outcome {
        EntryOutcome::Applied { record, is_owned } => {
            let arn = &record.principal_arn;
            let user = describe(&record.username, &record.groups);
            let message = match is_owned {
                true => format!("an access entry maps {arn} to {user}"),
                false => format!(
                    "an access entry maps {arn} to {user}; this object does not own it, so the controller neither changes nor deletes it"
                ),
            };
            (Reason::Applied, message)
        }
        EntryOutcome::Pending => (Reason::Applying, String::new()),
        EntryOutcome::Expired(message) => (Reason::Expired, message.clone()),
        EntryOutcome::Drifted(message) => (Reason::Drifted, message.clone()),
        EntryOutcome::Stalled(reason, message) => (*reason, message.clone()),
    }
}

fn events(
    at: usize,
    object: &Object,
    entries: &ObjectEntries,
    report: &ObjectReport,
) -> Vec<Event> {
    let event = |kind, reason, message| Event {
        regarding: Regarding::Object(at),
        kind,
        reason,
        message,
    };
    let is_reported = object.status.condition(ConditionKind::Stalled).is_some();
    let kept = entries.kept.iter();
    let kept = kept
        .filter(|_| object.is_deleting || !is_reported)
        .map(|(arn, why)| {
            let message = format!("the access entry of {arn} is kept: {why}");
            event(EventKind::Warning, "EntryLeft", message)
        });
    let (reason, message) = ready_reason(&entries.outcome);
    let is_new = report.status.reason() == Some(reason) && object.status.reason() != Some(reason);
    let kind = match reason {
        Reason::Applied | Reason::Expired => EventKind::Normal,
        _ => EventKind::Warning,
    };
    let new = is_new.then(|| event(kind, reason.name(), message));
    kept.chain(new).collect()
}

/// Adds the claims on access entries that exist or may exist to the ownership record.
fn keep_claims(resolver: &Resolver<'_>, outcomes: &AccessEntryOutcomes, decision: &mut Decision) {
    let input = resolver.input;
    for (at, report) in decision.reports.iter().enumerate() {
        let object = resolver.object(at);
        let is_released = object.is_deleting && report.remove_finalizer;
        let desired = resolver.desired[at].as_ref().ok();
        let desired = desired.filter(|_| !is_released);
        let entries = outcomes.objects.get(&at);
        let is_kept = |arn: &str| {
            let mut kept = entries.into_iter().flat_map(|entries| &entries.kept);
            kept.any(|(kept, _)| kept == arn)
        };
        let owned = entries.into_iter().flat_map(|entries| &entries.owned);
        for arn in owned {
            let on_withdrawal = input.record.get_access_entry(&object.uid, arn);
            let is_revocable = on_withdrawal == Some(OnWithdrawal::Revoke);
            let is_claimed = match is_released {
                true => is_revocable,
                false => !is_kept(arn),
            };
            let record = &mut decision.record;
            match on_withdrawal.filter(|_| is_claimed) {
                // Its object will be gone, by `deletionPolicy: Retain`.
                Some(_) if is_released => record.insert_revocable_access_entry(&object.uid, arn),
                Some(on_withdrawal) => record.insert_access_entry(object, arn, on_withdrawal),
                None => {}
            }
        }
        // The claim is recorded before the entry is created.
        let is_untagged = entries.is_some_and(|entries| {
            let mut kept = entries.kept.iter();
            kept.any(|(arn, _)| !entries.owned.contains(arn))
        });
        let requested = desired.filter(|_| outcomes.includes(at) || is_untagged);
        if let Some(desired) = requested {
            let recorded = input.record.get_access_entry(&object.uid, &desired.key);
            // As long as the request is not carried out, the entry is as an earlier grant allowed it.
            let on_withdrawal = match outcomes.has_requested(at) {
                true => recorded.and(Some(resolver.on_withdrawal[at])),
                false => recorded,
            };
            if let Some(on_withdrawal) = on_withdrawal {
                let record = &mut decision.record;
                record.insert_access_entry(object, &desired.key, on_withdrawal);
            }
        }
    }
    for abandoned in &outcomes.abandoned {
        let (uid, arn) = (&abandoned.uid, &abandoned.principal_arn);
        decision.record.copy_access_entry(input.record, uid, arn);
    }
    if !is_complete(input) {
        decision.record.insert_missing_access_entries(input.record);
    }
}
