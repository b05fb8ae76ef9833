//! What is said of each object: what it records, its conditions, and events where something has changed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::object::{
    Condition, ConditionKind, DeletionPolicy, Object, Reason, Recorded, Status,
};
use super::super::types::{About, Decision, Event, EventKind, Preparation, Repair, Stage, State};
use super::batch::Unit;
use super::desired::Key;
use super::look::Look;
use super::outcome::Fate;
use super::protect;
use crate::arn::{Normalized, normalize};
use crate::document::Principal;

/// So many objects are told of one by one what has come of them; of more, how many there are.
const ONE_BY_ONE: usize = 20;

impl Look<'_> {
    /// What is to be edited for objects, removals first, older objects first. What is not recorded is tried first, to learn what guards
    /// say of it.
    pub(super) fn units(&self, fates: &[Fate]) -> Vec<(usize, Unit)> {
        let leaving = self.order.iter().filter_map(|&at| match &fates[at] {
            Fate::Goes(unit, _) => Some((at, unit.clone())),
            _ => None,
        });
        let living = self.order.iter().filter_map(|&at| match &fates[at] {
            Fate::Has(has) => Some((at, has.unit.clone())),
            Fate::Later(unit) if self.tries_unrecorded => Some((at, unit.clone()?)),
            _ => None,
        });
        let all = leaving.chain(living);
        all.filter(|(_, unit)| !unit.edits.is_empty()).collect()
    }

    /// What has to be recorded before that is written.
    pub(super) fn preparations(&self, fates: &[Fate]) -> Vec<Preparation> {
        let needed = |&at: &usize| {
            let Fate::Has(has) = &fates[at] else {
                return None;
            };
            let wish = self.wishes[at].as_ref().ok()?;
            let is_recorded = has.unit.edits.is_empty() || self.is_recorded(at, wish);
            let finalizer = self.lacks_finalizer(at);
            let status = (!is_recorded).then(|| self.about_to_be(at, wish));
            (finalizer || status.is_some()).then_some(Preparation {
                object: at,
                finalizer,
                status,
            })
        };
        self.order.iter().filter_map(needed).collect()
    }

    /// The status of an object whose entry is about to be written.
    fn about_to_be(&self, at: usize, wish: &Recorded) -> Status {
        let object = self.object(at);
        let mut pending = object.status.pending.clone();
        pending.retain(|recorded| !recorded.is_same(wish));
        pending.push(wish.clone());
        let message = format!("{} is about to be written", wish.said());
        let conditions = [
            (ConditionKind::Ready, false),
            (ConditionKind::Reconciling, true),
        ];
        let now = self.view.now;
        Status {
            canonical_arn: canonical_arn(object),
            pending,
            conditions: conditions
                .map(|(kind, is_true)| {
                    condition(object, kind, is_true, Reason::Applying, &message, now)
                })
                .into(),
            ..object.status.clone()
        }
    }

    /// The repairs that are made.
    pub(super) fn repairs(&self, fates: &[Fate]) -> Vec<(Key, Repair)> {
        let repair = |at: usize| {
            let (Fate::Has(has), Ok(wish)) = (&fates[at], &self.wishes[at]) else {
                return None;
            };
            has.repaired.as_ref()?;
            let object = self.object(at);
            let repair = Repair {
                at: self.view.now,
                manager: self.view.last_manager.map(str::to_owned),
                object: Some((object.uid.clone(), object.generation)),
            };
            Some((wish.key(), repair))
        };
        (0..fates.len()).filter_map(repair).collect()
    }

    /// When one of them has to be looked at again.
    pub(super) fn again(&self, fates: &[Fate]) -> Option<Timestamp> {
        let at = fates.iter().filter_map(|fate| match fate {
            Fate::Contested(contest) => Some(contest.until),
            _ => None,
        });
        at.min()
    }

    /// Adds what is reported of each object, and told.
    pub(super) fn report(&self, fates: &[Fate], decision: &mut Decision) {
        let mut told: BTreeMap<&'static str, Vec<Event>> = BTreeMap::new();
        for &at in &self.order {
            for event in self.events(at, &fates[at]) {
                told.entry(event.reason).or_default().push(event);
            }
        }
        for (reason, events) in told {
            if events.len() <= ONE_BY_ONE {
                decision.events.extend(events);
                continue;
            }
            let message = format!(
                "{} objects, one of them: {}",
                events.len(),
                events[0].message
            );
            decision.events.push(Event {
                about: About::AwsAuth,
                kind: events[0].kind,
                reason,
                message,
            });
        }
        let states = fates.iter().enumerate();
        decision.states = states
            .map(|(at, fate)| self.state(at, fate, fates))
            .collect();
    }

    fn state(&self, at: usize, fate: &Fate, fates: &[Fate]) -> State {
        let object = self.object(at);
        let keeps_its_own = object
            .spec
            .as_ref()
            .is_ok_and(|spec| spec.deletion == DeletionPolicy::Retain);
        let release = match fate {
            Fate::Later(_) => false,
            Fate::Goes(..) => true,
            _ => object.has_finalizer && keeps_its_own && !object.is_deleting,
        };
        if let Fate::Later(_) | Fate::Goes(..) = fate {
            return State {
                status: object.status.clone(),
                release,
            };
        }
        let (reason, message) = self.said(at, fate);
        let (entry, pending) = match (fate, &self.wishes[at]) {
            (Fate::Has(_), Ok(wish)) => (Some(wish.clone()), Vec::new()),
            _ => self.still_recorded(at, fate, fates),
        };
        let now = self.view.now;
        let is_ready = reason == Reason::Applied;
        let is_stalled = matches!(fate, Fate::Stalled(..) | Fate::Contested(_));
        let ready = condition(
            object,
            ConditionKind::Ready,
            is_ready,
            reason,
            &message,
            now,
        );
        let stalled = is_stalled
            .then(|| condition(object, ConditionKind::Stalled, true, reason, &message, now));
        let status = Status {
            observed_generation: Some(object.generation),
            canonical_arn: canonical_arn(object),
            entry,
            pending,
            conditions: [ready].into_iter().chain(stalled).collect(),
        };
        State { status, release }
    }

    /// What of its records an object keeps that has not what it asks for: what stands there as its own, and no other object's.
    fn still_recorded(
        &self,
        at: usize,
        fate: &Fate,
        fates: &[Fate],
    ) -> (Option<Recorded>, Vec<Recorded>) {
        let status = &self.object(at).status;
        let is_others = |recorded: &Recorded| {
            let winner = self.winner(&recorded.claim());
            winner.is_some_and(|winner| winner != at && matches!(fates[winner], Fate::Has(_)))
        };
        let is_drift = matches!(fate, Fate::Drifted(_) | Fate::Contested(_));
        let is_hidden = |recorded: &Recorded| {
            let section = self.stands.document.section(recorded.section);
            section.is_unreadable()
        };
        let entry = status.entry.as_ref().filter(|recorded| {
            let stands = self.stands.get(&recorded.key()).is_some();
            !is_others(recorded) && (stands || is_drift || is_hidden(recorded))
        });
        let pending = status.pending.iter().filter(|recorded| {
            let stands = self.stands.get(&recorded.key());
            !is_others(recorded)
                && (is_hidden(recorded) || stands.is_some_and(|stands| stands.say(recorded)))
        });
        (entry.cloned(), pending.cloned().collect())
    }

    /// The reason of Ready, and its message, which is the same as long as nothing changes.
    fn said(&self, at: usize, fate: &Fate) -> (Reason, String) {
        match fate {
            Fate::Has(_) => {
                let wish = self.wishes[at].as_ref();
                let said = wish.map_or_else(|_| String::new(), Recorded::said);
                (Reason::Applied, format!("aws-auth lets in {said}"))
            }
            Fate::Drifted(message) => (Reason::Drifted, message.clone()),
            Fate::Stalled(reason, message) => (*reason, message.clone()),
            Fate::Contested(contest) => {
                let stalled = self.object(at).status.condition(ConditionKind::Stalled);
                let was = stalled.filter(|stalled| stalled.reason == Reason::Contested);
                let message = was.map(|was| was.message.clone()).unwrap_or_else(|| {
                    let by = match &contest.manager {
                        Some(manager) => format!("field manager {manager}"),
                        None => "somebody".to_owned(),
                    };
                    format!(
                        "{by} undoes what is written for this object again and again; it is left alone for an hour, or until its spec changes. Let one of the two go: remove the entry from what {by} applies, or delete this object"
                    )
                });
                (Reason::Contested, message)
            }
            Fate::Later(_) | Fate::Goes(..) => (Reason::Applying, String::new()),
        }
    }

    fn events(&self, at: usize, fate: &Fate) -> Vec<Event> {
        let object = self.object(at);
        let told = |kind, reason, message| Event {
            about: About::Object(at),
            kind,
            reason,
            message,
        };
        let left = |left: &[String]| -> Vec<Event> {
            let left = left.iter().cloned();
            left.map(|why| told(EventKind::Warning, "EntryLeft", why))
                .collect()
        };
        match fate {
            Fate::Later(_) => Vec::new(),
            Fate::Goes(unit, stays) => {
                let mut events = left(stays);
                if let Some(edit) = unit.edits.first() {
                    let message = format!(
                        "the entry of {} was removed from aws-auth",
                        edit.principal().text()
                    );
                    events.push(told(EventKind::Normal, "Removed", message));
                }
                events
            }
            Fate::Has(has) => {
                let mut events = left(&has.left);
                let (reason, message) = self.said(at, fate);
                if let (Some(what), Ok(wish)) = (&has.repaired, &self.wishes[at]) {
                    let by = protect::by(self.view);
                    let message = format!(
                        "the entry of {} {what} by {by}, and is again {}",
                        wish.key,
                        super::desired::said(&wish.username, &wish.groups)
                    );
                    events.push(told(EventKind::Warning, "DriftRepaired", message));
                } else if object.status.reason() != Some(reason) {
                    events.push(told(EventKind::Normal, reason.name(), message));
                }
                events
            }
            Fate::Drifted(_) | Fate::Contested(_) | Fate::Stalled(..) => {
                let (reason, message) = self.said(at, fate);
                let is_new = object.status.reason() != Some(reason);
                let message = match fate {
                    Fate::Drifted(_) => format!(
                        "{message}; aws-auth was written last by {}",
                        protect::by(self.view)
                    ),
                    _ => message,
                };
                let event = is_new.then(|| told(EventKind::Warning, reason.name(), message));
                event.into_iter().collect()
            }
        }
    }

    /// Whether facts about nodes decide what becomes of an object.
    pub(super) fn asks_fleet(&self, fates: &[Fate]) -> bool {
        let takes_nodes = |fate: &Fate| match fate {
            Fate::Goes(unit, _) => !unit.allowed_nodes.is_empty(),
            _ => false,
        };
        self.view.stage == Stage::Preparing && fates.iter().any(takes_nodes)
    }
}

/// A condition as it is from now on; where its status was the same before, since then.
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
    // Kubernetes keeps whole seconds.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Condition {
        kind,
        is_true,
        reason,
        message: message.to_owned(),
        observed_generation: object.generation,
        since: since.unwrap_or(now),
    }
}

/// The ARN that entries are compared with, of what an object asks for.
pub(super) fn canonical_arn(object: &Object) -> Option<String> {
    let spec = object.spec.as_ref().ok()?;
    let (Principal::Role(arn) | Principal::User(arn)) = &spec.principal else {
        return None;
    };
    Some(match normalize(arn) {
        Normalized::AsGiven => arn.clone(),
        Normalized::PathDropped { arn, .. } => arn,
        Normalized::Session { role } => role,
    })
}
