//! Adds the changes of access entries to a decision about aws-auth, and reports the objects whose mapping is one.

use std::collections::BTreeMap;

use super::super::decision::{
    AccessEntryChange, AccessEntryFailure, Decision, Event, EventKind, Input, Memory, ObjectReport,
    Preparation, Regarding, Stage,
};
use super::super::mapping_object::{
    Condition, ConditionKind, DeletionPolicy, Object, Reason, Status,
};
use super::access_entry_outcomes::{
    AccessEntryOutcomes, EntryOutcome, ObjectEntries, listed, reads_aws_auth,
};
use super::desired_entry::describe;
use super::edit_batch::controller_facts;
use super::object_report::{canonical_arn, condition};
use super::owner_resolver::Resolver;
use crate::plan::{Guard, Plan, Request};

/// The most changes of one decision. The next one continues.
const MAX_CHANGES: usize = 20;

/// Adds the outcomes to a decision about aws-auth. Access entries change only if aws-auth does not: otherwise, the guards would not
/// know what remains.
pub(super) fn add(resolver: &mut Resolver<'_>, decision: &mut Decision) {
    let mut outcomes = std::mem::take(&mut resolver.access_entries);
    decision.aws_query = std::mem::take(&mut outcomes.query);
    decision.memory.entry_failures = failures(resolver, &outcomes);
    let can_change = decision.plan.is_none();
    let mut changes = Vec::new();
    for &at in &resolver.order {
        let Some(entries) = outcomes.objects.get_mut(&at) else {
            continue;
        };
        let is_moved = !entries.is_place && !resolver.is_leaving(at);
        let is_in_aws_auth = decision.reports[at].status.reason() == Some(Reason::Applied);
        if entries.changes.is_empty() || is_moved && !is_in_aws_auth {
            continue;
        }
        if let Some(failure) = suspended(resolver, at, decision) {
            entries.outcome = EntryOutcome::Stalled(Reason::AwsError, failure.message);
            let retry_at = decision.retry_at.into_iter().chain([failure.retry_at]);
            decision.retry_at = retry_at.min();
        } else if !prepare(resolver, at, entries, decision) || !can_change {
            decision.has_deferred = true;
        } else {
            let of_object = entries.changes.iter().cloned();
            changes.extend(of_object.map(|(change, event)| AccessEntryChange {
                object: at,
                change,
                event,
            }));
        }
    }
    sort(&mut changes, resolver, &decision.memory);
    for (at, guard, message) in limit(resolver.input, &mut changes) {
        decision.refused.push(guard);
        if let Some(entries) = outcomes.objects.get_mut(&at) {
            let message = format!("guard {}: {message}", guard.reason());
            entries.outcome = EntryOutcome::Stalled(Reason::Refused, message);
        }
    }
    decision.entry_changes = changes;
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

/// Puts the objects first whose next change deletes an entry, and those last whose changes failed most often: otherwise, a user with many
/// objects that fail could delay the removal of access.
fn sort(changes: &mut [AccessEntryChange], resolver: &Resolver<'_>, memory: &Memory) {
    let mut is_removal: BTreeMap<usize, bool> = BTreeMap::new();
    for change in &*changes {
        let removes = change.change.after.is_none();
        is_removal.entry(change.object).or_insert(removes);
    }
    changes.sort_by_cached_key(|change| {
        let object = resolver.object(change.object);
        let failure = memory.entry_failures.get(&object.uid);
        let failures = failure.map_or(0, |failure| failure.count);
        (!is_removal[&change.object], failures)
    });
}

/// Returns the failures of changes that are still to be made. A change that deletes an entry does not wait for one that failed to create
/// it.
fn failures(
    resolver: &Resolver<'_>,
    outcomes: &AccessEntryOutcomes,
) -> BTreeMap<String, AccessEntryFailure> {
    let of_objects = outcomes.objects.iter().filter_map(|(&at, entries)| {
        let object = resolver.object(at);
        let failure = resolver.input.memory.entry_failures.get(&object.uid)?;
        let (next, _) = entries.changes.first()?;
        let is_current = failure.is_removal == next.after.is_none();
        is_current.then(|| (object.uid.clone(), failure.clone()))
    });
    of_objects.collect()
}

/// Returns the last failure of an object whose next attempt is not due.
fn suspended(
    resolver: &Resolver<'_>,
    at: usize,
    decision: &Decision,
) -> Option<AccessEntryFailure> {
    let failures = &decision.memory.entry_failures;
    let object = resolver.object(at);
    let failure = failures.get(&object.uid)?;
    let is_suspended =
        failure.generation == object.generation && failure.retry_at > resolver.input.now;
    is_suspended.then(|| failure.clone())
}

/// Records what must be recorded before an entry is created or changed: the claim, and the finalizer. Returns whether the changes
/// may be made.
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
        record.insert_access_entry(&object.uid, arn, resolver.on_withdrawal[at]);
        decision.prepare_record = Some(record);
    }
    if lacks_finalizer {
        decision.prepare.push(Preparation {
            object: at,
            finalizer: true,
            status: None,
        });
    }
    true
}

/// Keeps the first changes that no guard refuses. Returns the objects with a refused one, each with the guard and its message.
fn limit(input: &Input<'_>, changes: &mut Vec<AccessEntryChange>) -> Vec<(usize, Guard, String)> {
    let mut refused: Vec<(usize, Guard, String)> = Vec::new();
    let mut accepted: Vec<AccessEntryChange> = Vec::new();
    let needs_check = refusal(input, changes).is_some();
    for changes in changes.chunk_by(|one, other| one.object == other.object) {
        if accepted.len() >= MAX_CHANGES {
            break;
        }
        let before = accepted.len();
        accepted.extend_from_slice(changes);
        let refusal = needs_check.then(|| refusal(input, &accepted)).flatten();
        if let Some((guard, message)) = refusal {
            accepted.truncate(before);
            refused.push((changes[0].object, guard, message));
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
        let is_done = entries.changes.is_empty();
        return ObjectReport {
            remove_finalizer: of_aws_auth.remove_finalizer && is_done,
            status: of_aws_auth.status.clone(),
        };
    }
    if matches!(entries.outcome, EntryOutcome::Pending) {
        return ObjectReport {
            status: object.status.clone(),
            remove_finalizer: false,
        };
    }
    let spec = object.spec.as_ref();
    let retains = spec.is_ok_and(|spec| spec.deletion == DeletionPolicy::Retain);
    // What the object had in aws-auth is removed.
    let (entry, pending) = match of_aws_auth.remove_finalizer {
        true => (None, Vec::new()),
        false => (object.status.entry.clone(), object.status.pending.clone()),
    };
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
                    listed(input).is_none() || entries.owned.contains(arn)
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
                    "an access entry maps {arn} to {user}; this object does not own it, so the controller does not change it"
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
    let is_listed = listed(resolver.input).is_some();
    for (at, report) in decision.reports.iter().enumerate() {
        let object = resolver.object(at);
        if object.is_deleting && report.remove_finalizer {
            continue;
        }
        let desired = resolver.desired[at].as_ref().ok();
        let entries = outcomes.objects.get(&at);
        let is_kept = |arn: &str| {
            let mut kept = entries.into_iter().flat_map(|entries| &entries.kept);
            kept.any(|(kept, _)| kept == arn)
        };
        let recorded = object.status.access_entry.as_ref();
        let recorded = recorded.filter(|_| !is_listed);
        let recorded = recorded.map(|recorded| &recorded.principal_arn);
        let owned = entries.into_iter().flat_map(|entries| &entries.owned);
        for arn in owned.chain(recorded).filter(|arn| !is_kept(arn)) {
            if let Some(on_withdrawal) = resolver.input.record.get_access_entry(&object.uid, arn) {
                let record = &mut decision.record;
                record.insert_access_entry(&object.uid, arn, on_withdrawal);
            }
        }
        // The claim is recorded before the entry is created.
        let is_untagged = entries.is_some_and(|entries| {
            let mut kept = entries.kept.iter();
            kept.any(|(arn, _)| !entries.owned.contains(arn))
        });
        let requested = desired.filter(|_| outcomes.includes(at) || !is_listed || is_untagged);
        if let Some(desired) = requested {
            let was = resolver
                .input
                .record
                .get_access_entry(&object.uid, &desired.key);
            if was.is_some() {
                let on_withdrawal = resolver.on_withdrawal[at];
                let record = &mut decision.record;
                record.insert_access_entry(&object.uid, &desired.key, on_withdrawal);
            }
        }
    }
}
