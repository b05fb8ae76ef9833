//! The decision if the cluster does not read aws-auth: writes nothing, and removes finalizers.

use super::super::decision::{Decision, Event, EventKind, Input, ObjectReport, Regarding};
use super::super::expired_objects;
use super::super::mapping_object::{ConditionKind, Object, Reason, Status};
use super::super::ownership_record::OwnershipRecord;
use super::super::principal_facts::AwsQuery;
use super::listed_access_entries;
use super::object_report::{canonical_arn, condition};
use super::owner_resolver::Resolver;
use crate::plan::Guard;

/// Reports the reason in each object, unless its mapping is an access entry, and removes the finalizer of objects that are being
/// deleted.
pub(super) fn decide(resolver: &Resolver<'_>, why: &str) -> Decision {
    let input = resolver.input;
    let is_idle = listed_access_entries::listed(input).is_none();
    let objects = input.objects.iter();
    let reports: Vec<ObjectReport> = objects.map(|object| report(input, object, why)).collect();
    let is_new = |(at, report): &(usize, &ObjectReport)| {
        let is_reported = input.objects[*at].status.reason() == report.status.reason();
        !is_reported && !resolver.access_entries.objects.contains_key(at)
    };
    let changed = reports.iter().enumerate().filter(is_new).count();
    let event = (is_idle && changed > 0).then(|| Event {
        regarding: Regarding::AwsAuth,
        kind: EventKind::Warning,
        reason: Reason::ShadowedBy.name(),
        message: why.to_owned(),
    });
    Decision {
        prepare_record: None,
        prepare: Vec::new(),
        record: match is_idle {
            true => input.record.clone(),
            false => kept_record(input, &reports),
        },
        plan: None,
        entry_changes: Vec::new(),
        aws_query: AwsQuery::default(),
        reports,
        events: event.into_iter().collect(),
        refused: is_idle.then_some(Guard::Ignored).into_iter().collect(),
        missing_protected: 0,
        idle: is_idle.then(|| why.to_owned()),
        needs_fresh_inventory: false,
        memory: input.memory.clone(),
        has_deferred: false,
        retry_at: expired_objects::next(input),
    }
}

/// Returns the part of the ownership record about aws-auth that is still about objects.
fn kept_record(input: &Input<'_>, reports: &[ObjectReport]) -> OwnershipRecord {
    let mut record = OwnershipRecord::default();
    record.insert_all_revocable(input.record);
    record.insert_missing_owners(input.record);
    for (object, report) in input.objects.iter().zip(reports) {
        let status = &report.status;
        for entry in status.entry.iter().chain(&status.pending) {
            if let (Some(on_withdrawal), false) = (
                input.record.get(&object.uid, entry),
                report.remove_finalizer,
            ) {
                record.insert(object, entry, on_withdrawal);
            }
        }
    }
    record
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
        canonical_arn: canonical_arn(input, object),
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
