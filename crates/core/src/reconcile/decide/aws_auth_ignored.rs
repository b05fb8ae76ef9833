//! The decision if the cluster does not read aws-auth: writes nothing, and removes finalizers.

use super::super::decision::{Decision, Event, EventKind, Input, ObjectReport, Regarding};
use super::super::mapping_object::{ConditionKind, Object, Reason, Status};
use super::object_report::{canonical_arn, condition};
use crate::plan::Guard;

/// Reports the reason in each object, and removes the finalizer of objects that are being deleted.
pub(super) fn decide(input: &Input<'_>, why: &str) -> Decision {
    let objects = input.objects.iter();
    let reports: Vec<ObjectReport> = objects.map(|object| report(input, object, why)).collect();
    let is_new = |(object, report): &(&Object, &ObjectReport)| {
        object.status.reason() != report.status.reason()
    };
    let changed = input.objects.iter().zip(&reports).filter(is_new).count();
    let event = (changed > 0).then(|| Event {
        regarding: Regarding::AwsAuth,
        kind: EventKind::Warning,
        reason: Reason::ShadowedBy.name(),
        message: why.to_owned(),
    });
    Decision {
        prepare_record: None,
        prepare: Vec::new(),
        record: input.record.clone(),
        plan: None,
        reports,
        events: event.into_iter().collect(),
        refused: vec![Guard::Ignored],
        missing_protected: 0,
        idle: Some(why.to_owned()),
        needs_fresh_inventory: false,
        memory: input.memory.clone(),
        has_deferred: false,
        retry_at: None,
    }
}

fn report(input: &Input<'_>, object: &Object, why: &str) -> ObjectReport {
    if object.is_deleting {
        return ObjectReport {
            status: object.status.clone(),
            remove_finalizer: true,
        };
    }
    let of = |kind, is_true| condition(object, kind, is_true, Reason::ShadowedBy, why, input.now);
    let status = Status {
        observed_generation: Some(object.generation),
        canonical_arn: canonical_arn(object),
        conditions: vec![
            of(ConditionKind::Ready, false),
            of(ConditionKind::Stalled, true),
        ],
        ..object.status.clone()
    };
    ObjectReport {
        status,
        remove_finalizer: false,
    }
}
