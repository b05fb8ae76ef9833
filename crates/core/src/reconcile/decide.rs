//! Makes a decision: resolves which object owns which entry, and plans all edits together until no guard refuses anything new.

mod access_entry_changes;
mod access_entry_outcomes;
mod access_entry_plan;
mod aws_auth_ignored;
mod conflict_backoff;
mod current_entries;
pub(super) mod desired_entry;
mod edit_batch;
mod edit_set;
mod entry_removal;
mod entry_writers;
mod listed_access_entries;
mod node_need;
mod object_report;
mod outcome;
mod owner_resolver;
mod recovered_entries;
mod restore_protected_entries;
mod size_budget;
mod withdrawn_entries;

use std::collections::HashMap;

use super::decision::{Decision, Input, Memory, Stage};
use super::mapping_object::EntryRecord;
use super::ownership_record::OwnershipRecord;
use super::principal_facts::AwsQuery;
use crate::authenticator::NodeRoles;
use crate::document::Document;
use crate::plan::{Known, aws_auth_is_ignored};
use edit_batch::RefusalReason;
use edit_set::EditSet;
use outcome::Outcome;
use owner_resolver::Resolver;
use restore_protected_entries::Protection;
use withdrawn_entries::WithdrawnEntries;

pub use access_entry_outcomes::OWNER_TAG;

/// How often an ARN that guards refuse to one object is passed on to the next younger object that requests it.
const MAX_ROUNDS: usize = 6;

/// Decides what to do about aws-auth, the access entries and the objects. Takes time proportional to the text and the objects, repeated when guards
/// refuse something new.
pub fn decide(input: &Input<'_>) -> Decision {
    let mode = input.access_entries.map(|entries| entries.mode());
    let document = Document::read(&input.stored.data);
    let objects = recovered_entries::add_to_objects(input, &document);
    let input = &Input {
        objects: &objects,
        ..*input
    };
    let mut resolver = Resolver::of(input, &document);
    let mut decision = match aws_auth_is_ignored(input.facts.mode.or(mode)) {
        Some(refusal) => aws_auth_ignored::decide(&resolver, &refusal.message),
        None => decide_aws_auth(input, &document, &mut resolver),
    };
    access_entry_changes::add(&mut resolver, &mut decision);
    decision.record.limit_length();
    if let Some(record) = &mut decision.prepare_record {
        record.limit_length();
    }
    decision
}

/// Decides what to do about aws-auth.
fn decide_aws_auth<'a>(
    input: &'a Input<'a>,
    document: &'a Document,
    resolver: &mut Resolver<'a>,
) -> Decision {
    let roles = match input.node_inventory {
        Known::Is(node_inventory) => NodeRoles::of(node_inventory),
        Known::NotRequested | Known::Unknown { .. } => NodeRoles::default(),
    };
    let mut refused_before = HashMap::new();
    let mut rounds = 1;
    let entries = resolver.access_entries.without_moved(input);
    let after_moves = Input {
        access_entries: entries.as_ref(),
        ..*input
    };
    loop {
        let outcomes = resolver.outcomes(&roles);
        let protection = Protection::of(input, document, &roles, |key| resolver.claims(key));
        let (objects, mut edit_sets): (Vec<usize>, Vec<EditSet>) =
            resolver.edit_sets(&outcomes).into_iter().unzip();
        edit_sets.extend(protection.edit_sets());
        let withdrawn = WithdrawnEntries::of(resolver, &outcomes, &roles);
        let first_withdrawn = edit_sets.len();
        edit_sets.extend(withdrawn.edit_sets());
        let batch = edit_batch::plan(&after_moves, &edit_sets, objects.len());
        let refused = |edit_set: usize| batch.refused.get(&edit_set).cloned();
        let is_new = (0..objects.len()).any(|edit_set| batch.refused.contains_key(&edit_set));
        for (edit_set, &at) in objects.iter().enumerate() {
            let reason = refused(edit_set);
            if reason.is_some_and(|reason| refused_before.insert(at, reason).is_some()) {
                resolver.refused_again.insert(at);
            }
        }
        if is_new {
            resolver.refuse(&refused_before, rounds < MAX_ROUNDS);
            rounds += 1;
            continue;
        }
        if resolver.includes_unrecorded
            && objects
                .iter()
                .any(|&at| matches!(outcomes[at], Outcome::Deferred(_)))
        {
            resolver.includes_unrecorded = false;
            continue;
        }
        let guards = refused_before.values().chain(batch.refused.values());
        let (prepare_record, prepare) = match input.stage {
            Stage::Preparing => (
                resolver.prepared_record(&outcomes),
                resolver.preparations(&outcomes),
            ),
            Stage::Writing => (None, Vec::new()),
        };
        let mut decision = Decision {
            prepare_record,
            prepare,
            record: OwnershipRecord::default(),
            reports: Vec::new(),
            events: Vec::new(),
            refused: guards.filter_map(RefusalReason::guard).collect(),
            missing_protected: protection.missing_protected(batch.plan.as_ref()),
            idle: None,
            needs_fresh_inventory: protection.needs_fresh_inventory
                || resolver.needs_fresh_inventory(&outcomes)
                || (input.stage == Stage::Preparing && withdrawn.needs_fresh_inventory()),
            memory: Memory {
                repairs: input.memory.repairs.clone(),
                ..Memory::default()
            },
            has_deferred: outcomes
                .iter()
                .any(|outcome| matches!(outcome, Outcome::Deferred(_))),
            retry_at: resolver.retry_at(&outcomes),
            entry_changes: Vec::new(),
            aws_query: AwsQuery::default(),
            plan: batch.plan,
        };
        decision.retry_at = decision
            .retry_at
            .into_iter()
            .chain(protection.retry_at)
            .min();
        let mut repairs = resolver.repairs(&outcomes);
        repairs.extend(protection.apply(
            decision.plan.as_ref(),
            |edit_set| refused(objects.len() + edit_set),
            &mut decision.events,
            &mut decision.memory,
        ));
        decision.memory.not_revoked = withdrawn.apply(
            input,
            |edit_set| refused(first_withdrawn + edit_set),
            &mut decision.events,
        );
        conflict_backoff::remember(&mut decision.memory, repairs, input.now);
        let protected = decision.memory.protected.values();
        let protected = protected.map(|protected| protected.entry.key());
        let desired = resolver.desired.iter().flatten().map(EntryRecord::key);
        let keys = protected.chain(desired);
        decision.memory.changed_by = entry_writers::only(input.memory, keys);
        resolver.report(&outcomes, &mut decision);
        decision.record = resolver.record(&outcomes, &decision.reports);
        let plan = decision.plan.as_ref();
        withdrawn_entries::keep(input, document, plan, &mut decision.record);
        return decision;
    }
}
