//! Reports the outcome of each object: its record of entries, its conditions, and events.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::decision::{
    Decision, Event, EventKind, Input, ObjectReport, Preparation, Regarding, Repair, Stage,
};
use super::super::expired_objects;
use super::super::mapping_object::{
    AccessEntryRecord, Condition, ConditionKind, DeletionPolicy, EntryRecord, Object, Reason,
    Status,
};
use super::super::ownership_record::OwnershipRecord;
use super::desired_entry::Key;
use super::edit_set::EditSet;
use super::entry_writers;
use super::listed_access_entries;
use super::outcome::Outcome;
use super::owner_resolver::{Resolver, requested_principal};
use crate::arn::{Normalized, normalize};
use crate::document::Principal;
use crate::escape::one_line;

/// The maximum number of objects with individual events for one reason. For more objects, a single event contains their number.
const MAX_EVENTS: usize = 20;

impl Resolver<'_> {
    /// Returns the edits of all objects: removals first, older objects first. Includes changes that are not recorded yet as long as
    /// [`includes_unrecorded`](Resolver::includes_unrecorded) is set.
    pub(super) fn edit_sets(&self, outcomes: &[Outcome]) -> Vec<(usize, EditSet)> {
        let deleted = self.order.iter().filter_map(|&at| match &outcomes[at] {
            Outcome::Removing(edit_set, _)
            | Outcome::Revoking(edit_set, ..)
            | Outcome::Expired(edit_set, _) => Some((at, edit_set.clone())),
            _ => None,
        });
        let existing = self.order.iter().filter_map(|&at| match &outcomes[at] {
            Outcome::Applied(applied) => Some((at, applied.edit_set.clone())),
            Outcome::Deferred(edit_set) if self.includes_unrecorded => {
                Some((at, edit_set.clone()?))
            }
            _ => None,
        });
        let all = deleted.chain(existing);
        all.filter(|(_, edit_set)| !edit_set.edits.is_empty())
            .collect()
    }

    /// Returns the ownership record that must be stored before the edits are written; `None` if it already contains all of them.
    pub(super) fn prepared_record(&self, outcomes: &[Outcome]) -> Option<OwnershipRecord> {
        let mut record = self.input.record.clone();
        for (at, outcome) in outcomes.iter().enumerate() {
            if let (Outcome::Applied(applied), Ok(desired)) = (outcome, &self.desired[at])
                && !applied.edit_set.edits.is_empty()
                && !self.is_proven(at, desired)
            {
                record.insert(self.object(at), desired, self.on_withdrawal[at]);
            }
        }
        (record != *self.input.record).then_some(record)
    }

    /// Returns the ownership record once the plan is carried out and these reports are written.
    pub(super) fn record(&self, outcomes: &[Outcome], reports: &[ObjectReport]) -> OwnershipRecord {
        let mut record = OwnershipRecord::default();
        for (at, report) in reports.iter().enumerate() {
            let (object, desired) = (self.object(at), self.desired[at].as_ref().ok());
            if object.is_deleting && report.remove_finalizer {
                continue;
            }
            let status = &report.status;
            let reported = status.entry.iter().chain(&status.pending);
            let is_deferred = matches!(outcomes[at], Outcome::Deferred(_));
            let applied = desired.filter(|_| matches!(outcomes[at], Outcome::Applied(_)));
            for entry in reported.chain(desired.filter(|_| is_deferred)) {
                let is_applied = applied.is_some_and(|applied| applied.is_same(entry));
                if let Some(on_withdrawal) = self.input.record.get(&object.uid, entry)
                    && !is_applied
                {
                    record.insert(object, entry, on_withdrawal);
                }
            }
            if let Some(applied) = applied {
                record.insert(object, applied, self.on_withdrawal[at]);
            }
        }
        record
    }

    /// Returns what must be recorded in objects before the edits are written.
    pub(super) fn preparations(&self, outcomes: &[Outcome]) -> Vec<Preparation> {
        let needed = |&at: &usize| {
            let outcome = &outcomes[at];
            let is_applied = matches!(outcome, Outcome::Applied(_));
            let finalizer =
                self.lacks_finalizer(at) && (is_applied || self.keeps_entry(at, outcome));
            let Outcome::Applied(applied) = outcome else {
                return finalizer.then_some(Preparation {
                    object: at,
                    finalizer,
                    status: None,
                });
            };
            let desired = self.desired[at].as_ref().ok()?;
            let is_recorded = applied.edit_set.edits.is_empty() || self.is_recorded(at, desired);
            let status = (!is_recorded).then(|| self.applying_status(at, desired));
            (finalizer || status.is_some()).then_some(Preparation {
                object: at,
                finalizer,
                status,
            })
        };
        self.order.iter().filter_map(needed).collect()
    }

    /// Returns whether the object owns an entry in aws-auth that is not about to be removed.
    fn keeps_entry(&self, at: usize, outcome: &Outcome) -> bool {
        let removes = match outcome {
            Outcome::Expired(edit_set, _) | Outcome::Revoking(edit_set, ..) => {
                !edit_set.edits.is_empty()
            }
            _ => false,
        };
        let is_own = |recorded: &&EntryRecord| {
            let key = recorded.key();
            let found = self.current.get(&key);
            found.is_some_and(|found| self.records.belongs_to(at, &key, &found))
        };
        !removes && self.recorded(at).iter().any(is_own)
    }

    /// Returns the status of an object whose entry is about to be written.
    fn applying_status(&self, at: usize, desired: &EntryRecord) -> Status {
        let object = self.object(at);
        let mut pending = object.status.pending.clone();
        pending.retain(|recorded| !recorded.is_same(desired));
        pending.push(desired.clone());
        let message = format!("about to map {}", desired.describe());
        let conditions = [
            (ConditionKind::Ready, false),
            (ConditionKind::Reconciling, true),
        ];
        let now = self.input.now;
        Status {
            canonical_arn: canonical_arn(self.input, object),
            pending,
            conditions: conditions
                .map(|(kind, is_true)| {
                    condition(object, kind, is_true, Reason::Applying, &message, now)
                })
                .into(),
            ..object.status.clone()
        }
    }

    /// Returns the repairs that the plan contains.
    pub(super) fn repairs(&self, outcomes: &[Outcome]) -> Vec<(Key, Repair)> {
        let repair = |at: usize| {
            let (Outcome::Applied(applied), Ok(desired)) = (&outcomes[at], &self.desired[at])
            else {
                return None;
            };
            applied.repaired.as_ref()?;
            let object = self.object(at);
            let repair = Repair {
                at: self.input.now,
                manager: entry_writers::of(self.input, &desired.key())
                    .manager
                    .clone(),
                object: Some((object.uid.clone(), object.generation)),
            };
            Some((desired.key(), repair))
        };
        (0..outcomes.len()).filter_map(repair).collect()
    }

    /// Returns when the first suspension of repairs ends, or the first object expires.
    pub(super) fn retry_at(&self, outcomes: &[Outcome]) -> Option<Timestamp> {
        let at = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Contested(backoff) => Some(backoff.until),
            _ => None,
        });
        at.chain(expired_objects::next(self.input)).min()
    }

    /// Adds the reports and events of all objects to the decision.
    pub(super) fn report(&self, outcomes: &[Outcome], decision: &mut Decision) {
        let mut by_reason: BTreeMap<&'static str, Vec<Event>> = BTreeMap::new();
        for &at in &self.order {
            for event in self.events(at, &outcomes[at]) {
                by_reason.entry(event.reason).or_default().push(event);
            }
        }
        for (reason, events) in by_reason {
            if events.len() <= MAX_EVENTS {
                decision.events.extend(events);
                continue;
            }
            let message = format!(
                "{} objects, for example: {}",
                events.len(),
                events[0].message
            );
            decision.events.push(Event {
                regarding: Regarding::AwsAuth,
                kind: events[0].kind,
                reason,
                message,
            });
        }
        let outcomes_by_object = outcomes.iter().enumerate();
        decision.reports = outcomes_by_object
            .map(|(at, outcome)| self.object_report(at, outcome, outcomes))
            .collect();
    }

    fn object_report(&self, at: usize, outcome: &Outcome, outcomes: &[Outcome]) -> ObjectReport {
        let object = self.object(at);
        let retains_entry = object.deletion() == DeletionPolicy::Retain;
        let remove_finalizer = match outcome {
            Outcome::Deferred(_) => false,
            Outcome::Removing(..) => true,
            Outcome::InAccessEntries => false,
            _ => object.has_finalizer && retains_entry && !object.is_deleting,
        };
        if let Outcome::Deferred(_) | Outcome::Removing(..) | Outcome::InAccessEntries = outcome {
            return ObjectReport {
                status: object.status.clone(),
                remove_finalizer,
            };
        }
        let (reason, message) = self.ready_reason(at, outcome);
        let (entry, pending) = match (outcome, &self.desired[at]) {
            (Outcome::Applied(_), Ok(desired)) => (Some(desired.clone()), Vec::new()),
            _ => self.still_recorded(at, outcome, outcomes),
        };
        let now = self.input.now;
        let is_ready = reason == Reason::Applied;
        let stalled = match outcome {
            Outcome::Stalled(..) | Outcome::Revoking(..) | Outcome::Contested(_) => Some(reason),
            Outcome::Expired(_, kept) if !kept.is_empty() => Some(Reason::Refused),
            _ => None,
        };
        let ready = condition(
            object,
            ConditionKind::Ready,
            is_ready,
            reason,
            &message,
            now,
        );
        let stalled = stalled
            .map(|reason| condition(object, ConditionKind::Stalled, true, reason, &message, now));
        let status = Status {
            observed_generation: Some(object.generation),
            canonical_arn: canonical_arn(self.input, object),
            entry,
            pending,
            access_entry: self.recorded_access_entry(at),
            conditions: [ready].into_iter().chain(stalled).collect(),
        };
        ObjectReport {
            status,
            remove_finalizer,
        }
    }

    /// Returns the access entry that the object still owns, or may own.
    fn recorded_access_entry(&self, at: usize) -> Option<AccessEntryRecord> {
        let recorded = self.object(at).status.access_entry.as_ref()?;
        let arn = &recorded.principal_arn;
        let is_owned =
            !listed_access_entries::is_read(self.input, arn) || self.access_entries.owns(at, arn);
        is_owned.then(|| recorded.clone())
    }

    /// Returns the records that an object keeps if its requested entry is not applied: those of entries that it still owns.
    fn still_recorded(
        &self,
        at: usize,
        outcome: &Outcome,
        outcomes: &[Outcome],
    ) -> (Option<EntryRecord>, Vec<EntryRecord>) {
        let status = &self.object(at).status;
        let has_other_owner = |recorded: &EntryRecord| {
            let owner = self.owner(&recorded.folded_key());
            owner.is_some_and(|owner| owner != at && matches!(outcomes[owner], Outcome::Applied(_)))
        };
        let is_drift = matches!(
            outcome,
            Outcome::Drifted(_)
                | Outcome::Contested(_)
                | Outcome::Revoking(_, Reason::Drifted | Reason::Contested, _)
        );
        let is_unreadable = |recorded: &EntryRecord| {
            let section = self.current.document.section(recorded.section);
            section.is_unreadable()
        };
        let is_removed = |recorded: &EntryRecord| match outcome {
            Outcome::Revoking(edit_set, ..) | Outcome::Expired(edit_set, _) => {
                let mut edits = edit_set.edits.iter();
                edits.any(|edit| edit.principal() == &recorded.principal())
            }
            _ => false,
        };
        let is_own = |recorded: &EntryRecord| {
            self.is_proven(at, recorded) && !has_other_owner(recorded) && !is_removed(recorded)
        };
        let entry = status.entry.as_ref().filter(|recorded| {
            let exists = self.current.get(&recorded.key()).is_some();
            is_own(recorded) && (exists || is_drift || is_unreadable(recorded))
        });
        let is_listed = |requested: &&EntryRecord| {
            let mut listed = status.pending.iter().chain(entry);
            listed.any(|recorded| recorded.key() == requested.key())
        };
        let unlisted = self.requested_by_leaving(at);
        let unlisted = unlisted.filter(|requested| !is_listed(requested));
        let pending = status.pending.iter().chain(unlisted).filter(|recorded| {
            let current = self.current.get(&recorded.key());
            is_own(recorded)
                && (is_unreadable(recorded)
                    || current.is_some_and(|current| current.all_match(recorded)))
        });
        (entry.cloned(), pending.cloned().collect())
    }

    /// Returns the reason and the message of the condition Ready. They stay the same as long as nothing changes.
    pub(super) fn ready_reason(&self, at: usize, outcome: &Outcome) -> (Reason, String) {
        match outcome {
            Outcome::Applied(_) => {
                let desired = self.desired[at].as_ref();
                let entry = desired.map_or_else(|_| String::new(), EntryRecord::describe);
                (Reason::Applied, format!("aws-auth maps {entry}"))
            }
            Outcome::Drifted(message) => (Reason::Drifted, message.clone()),
            Outcome::Stalled(reason, message) => (*reason, message.clone()),
            Outcome::Revoking(_, reason, message) => (*reason, message.clone()),
            Outcome::Expired(_, kept) => {
                let expired = self.object(at).expiry_message();
                let message: Vec<_> = expired.iter().chain(kept).map(String::as_str).collect();
                (Reason::Expired, message.join("; "))
            }
            Outcome::Contested(backoff) => {
                let stalled = self.object(at).status.condition(ConditionKind::Stalled);
                let was = stalled.filter(|stalled| stalled.reason == Reason::Contested);
                let message = was.map(|was| was.message.clone()).unwrap_or_else(|| {
                    let by = match &backoff.manager {
                        Some(manager) => format!("field manager {manager}"),
                        None => "another client".to_owned(),
                    };
                    format!(
                        "{by} keeps reverting the entry of this object; repairs are suspended for an hour, or until the spec changes. Remove the entry from what {by} applies, or delete this object"
                    )
                });
                (Reason::Contested, message)
            }
            Outcome::Deferred(_) | Outcome::Removing(..) | Outcome::InAccessEntries => {
                (Reason::Applying, String::new())
            }
        }
    }

    fn events(&self, at: usize, outcome: &Outcome) -> Vec<Event> {
        let object = self.object(at);
        let event = |kind, reason, message| Event {
            regarding: Regarding::Object(at),
            kind,
            reason,
            message,
        };
        let kept_events = |kept: &[String]| -> Vec<Event> {
            let kept = kept.iter().cloned();
            kept.map(|why| event(EventKind::Warning, "EntryLeft", why))
                .collect()
        };
        match outcome {
            Outcome::Deferred(_) | Outcome::InAccessEntries => Vec::new(),
            Outcome::Removing(edit_set, kept) => {
                let mut events = kept_events(kept);
                if let Some(edit) = edit_set.edits.first() {
                    let message = format!(
                        "the entry of {} was removed from aws-auth",
                        edit.principal().text()
                    );
                    events.push(event(EventKind::Normal, "Removed", message));
                }
                events
            }
            Outcome::Revoking(edit_set, _, message) => {
                let revoked = edit_set.edits.iter().map(|edit| {
                    let arn = edit.principal().text();
                    let message =
                        format!("the entry of {arn} was removed from aws-auth: {message}");
                    event(EventKind::Warning, "Revoked", message)
                });
                revoked.collect()
            }
            Outcome::Expired(edit_set, kept) => {
                let (reason, message) = self.ready_reason(at, outcome);
                if edit_set.edits.is_empty() && object.status.reason() == Some(reason) {
                    return Vec::new();
                }
                let kind = match kept.is_empty() {
                    true => EventKind::Normal,
                    false => EventKind::Warning,
                };
                vec![event(kind, reason.name(), message)]
            }
            Outcome::Applied(applied) => {
                let mut events = kept_events(&applied.kept);
                let (reason, message) = self.ready_reason(at, outcome);
                if let (Some(what), Ok(desired)) = (&applied.repaired, &self.desired[at]) {
                    let by = entry_writers::of(self.input, &desired.key());
                    let message = format!(
                        "the entry of {} {what} by {by}, and was restored to {}",
                        desired.key,
                        super::desired_entry::describe(&desired.username, &desired.groups)
                    );
                    events.push(event(EventKind::Warning, "DriftRepaired", message));
                } else if object.status.reason() != Some(reason) {
                    events.push(event(EventKind::Normal, reason.name(), message));
                }
                events
            }
            Outcome::Drifted(_) | Outcome::Contested(_) | Outcome::Stalled(..) => {
                let (reason, message) = self.ready_reason(at, outcome);
                let is_new = object.status.reason() != Some(reason);
                let message = match (outcome, &self.desired[at]) {
                    (Outcome::Drifted(_), Ok(desired)) => {
                        let by = entry_writers::of(self.input, &desired.key());
                        format!("{message}; it was changed by {by}")
                    }
                    _ => message,
                };
                let new = is_new.then(|| event(EventKind::Warning, reason.name(), message));
                new.into_iter().collect()
            }
        }
    }

    /// Returns whether the plan removes node entries, which depends on facts about nodes.
    pub(super) fn needs_fresh_inventory(&self, outcomes: &[Outcome]) -> bool {
        let removes_node_entry = |outcome: &Outcome| match outcome {
            Outcome::Removing(edit_set, _)
            | Outcome::Revoking(edit_set, ..)
            | Outcome::Expired(edit_set, _) => !edit_set.allowed_nodes.is_empty(),
            _ => false,
        };
        self.input.stage == Stage::Preparing && outcomes.iter().any(removes_node_entry)
    }
}

/// Returns a condition. If its status was the same before, keeps the time of the last transition.
pub(super) fn condition(
    object: &Object,
    kind: ConditionKind,
    is_true: bool,
    reason: Reason,
    message: &str,
    now: Timestamp,
) -> Condition {
    let was = object.status.condition(kind);
    let since = was
        .filter(|was| was.is_true == is_true)
        .map(|was| was.since);
    // Kubernetes stores whole seconds.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Condition {
        kind,
        is_true,
        reason,
        message: one_line(message).into_owned(),
        observed_generation: object.generation,
        since: since.unwrap_or(now),
    }
}

/// Returns the requested ARN in the form that the authenticator compares.
pub(super) fn canonical_arn(input: &Input<'_>, object: &Object) -> Option<String> {
    let spec = object.spec.as_ref().ok()?;
    let principal = requested_principal(input, spec).ok()?;
    let (Principal::Role(arn) | Principal::User(arn)) = &*principal else {
        return None;
    };
    Some(match normalize(arn) {
        Normalized::AsGiven => arn.clone(),
        Normalized::PathDropped { arn, .. } => arn,
        Normalized::Session { role } => role,
    })
}
