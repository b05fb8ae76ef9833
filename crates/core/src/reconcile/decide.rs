mod batch;
mod conflict_backoff;
mod current_entries;
mod desired;
mod idle;
mod look;
mod need;
mod outcome;
mod protect;
mod removal;
mod report;

use std::collections::HashMap;

use super::types::{Decision, Memory, Stage, View};
use crate::document::Document;
use crate::plan::aws_auth_is_ignored;
use batch::{Refused, Unit};
use look::Look;
use outcome::Fate;
use protect::Protecting;

/// The number of rounds in which an ARN that guards refuse to one object is offered to the next younger object that requests it.
const ROUNDS: usize = 6;

/// Decides what to do about aws-auth and the objects. Takes time proportional to the text and the objects, repeated when guards
/// refuse something new.
pub fn decide(view: &View<'_>) -> Decision {
    let mode = view.access_entries.map(|entries| entries.mode());
    if let Some(refusal) = aws_auth_is_ignored(view.facts.mode.or(mode)) {
        return idle::decide(view, &refusal.message);
    }
    let document = Document::read(&view.stored.data);
    let mut look = Look::of(view, &document);
    let mut refused_before = HashMap::new();
    let mut rounds = 1;
    loop {
        let fates = look.fates();
        let protecting = Protecting::of(view, &document, |key| look.speaks_of(key));
        let (objects, mut units): (Vec<usize>, Vec<Unit>) = look.units(&fates).into_iter().unzip();
        units.extend(protecting.units());
        let batch = batch::plan(view, &units);
        let refused = |unit: usize| batch.refused.get(&unit).cloned();
        let is_new = (0..objects.len()).any(|unit| batch.refused.contains_key(&unit));
        refused_before.extend(
            objects
                .iter()
                .enumerate()
                .filter_map(|(unit, at)| Some((*at, refused(unit)?))),
        );
        if is_new {
            look.refuse(&refused_before, rounds < ROUNDS);
            rounds += 1;
            continue;
        }
        if look.tries_unrecorded
            && objects
                .iter()
                .any(|&at| matches!(fates[at], Fate::Later(_)))
        {
            look.tries_unrecorded = false;
            continue;
        }
        let guards = refused_before.values().chain(batch.refused.values());
        let mut decision = Decision {
            prepare: match view.stage {
                Stage::Preparing => look.preparations(&fates),
                Stage::Writing => Vec::new(),
            },
            states: Vec::new(),
            events: Vec::new(),
            refused: guards.filter_map(Refused::guard).collect(),
            idle: None,
            asks_fleet: protecting.asks_fleet || look.asks_fleet(&fates),
            memory: Memory {
                repairs: view.memory.repairs.clone(),
                ..Memory::default()
            },
            waits: fates.iter().any(|fate| matches!(fate, Fate::Later(_))),
            again: look.again(&fates),
            plan: batch.plan,
        };
        decision.again = decision.again.into_iter().chain(protecting.again).min();
        let mut repairs = look.repairs(&fates);
        repairs.extend(protecting.carried_out(
            decision.plan.as_ref(),
            |unit| refused(objects.len() + unit),
            &mut decision.events,
            &mut decision.memory,
        ));
        conflict_backoff::remember(&mut decision.memory, repairs, view.now);
        look.report(&fates, &mut decision);
        return decision;
    }
}
