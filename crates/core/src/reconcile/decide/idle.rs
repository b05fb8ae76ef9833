//! If the cluster does not read aws-auth, skips writes and releases finalizers.

use super::super::object::{ConditionKind, Object, Reason, Status};
use super::super::types::{About, Decision, Event, EventKind, State, View};
use super::report::{canonical_arn, condition};
use crate::plan::Guard;

/// Reports this for each object and releases objects that are being deleted.
pub(super) fn decide(view: &View<'_>, why: &str) -> Decision {
    let objects = view.objects.iter();
    let states: Vec<State> = objects.map(|object| state(view, object, why)).collect();
    let is_new =
        |(object, state): &(&Object, &State)| object.status.reason() != state.status.reason();
    let changed = view.objects.iter().zip(&states).filter(is_new).count();
    let event = (changed > 0).then(|| Event {
        about: About::AwsAuth,
        kind: EventKind::Warning,
        reason: Reason::ShadowedBy.name(),
        message: why.to_owned(),
    });
    Decision {
        prepare: Vec::new(),
        plan: None,
        states,
        events: event.into_iter().collect(),
        refused: vec![Guard::Ignored],
        idle: Some(why.to_owned()),
        asks_fleet: false,
        memory: view.memory.clone(),
        waits: false,
        again: None,
    }
}

fn state(view: &View<'_>, object: &Object, why: &str) -> State {
    if object.is_deleting {
        return State {
            status: object.status.clone(),
            release: true,
        };
    }
    let of = |kind, is_true| condition(object, kind, is_true, Reason::ShadowedBy, why, view.now);
    let status = Status {
        observed_generation: Some(object.generation),
        canonical_arn: canonical_arn(object),
        conditions: vec![
            of(ConditionKind::Ready, false),
            of(ConditionKind::Stalled, true),
        ],
        ..object.status.clone()
    };
    State {
        status,
        release: false,
    }
}
