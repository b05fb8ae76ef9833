//! Backs off when another manager keeps reverting an entry.

use jiff::{SignedDuration, Timestamp};

use super::super::object::{ConditionKind, Object, Reason};
use super::super::types::{Memory, Repair};
use super::desired::Key;

/// The number of repairs of one entry against one manager
const REPAIRS: usize = 3;
/// within this time that count as a conflict.
const WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// How long the entry is left alone, unless the object's spec changes.
const REST: SignedDuration = SignedDuration::from_hours(1);

/// An ongoing conflict.
#[derive(Debug)]
pub(super) struct Contest {
    /// When repairs resume.
    pub(super) until: Timestamp,
    /// The other manager, if known.
    pub(super) manager: Option<String>,
}

/// The key by which repairs are remembered.
pub(super) fn name(key: &Key) -> String {
    format!("{}/{}", key.0.key(), key.1)
}

/// Returns the conflict over an entry according to the repairs or, if they were lost, according to the object itself.
pub(super) fn of(
    memory: &Memory,
    key: &Key,
    object: Option<&Object>,
    now: Timestamp,
) -> Option<Contest> {
    let about = object.map(|object| (object.uid.clone(), object.generation));
    let repairs = memory.repairs.get(&name(key));
    let repairs: Vec<&Repair> = repairs
        .into_iter()
        .flatten()
        .filter(|repair| repair.object == about && is_recent(repair, now))
        .collect();
    let third = |last: &&Repair| {
        let same = repairs.iter().filter(|repair| {
            repair.manager == last.manager
                && repair.at <= last.at
                && last.at.duration_since(repair.at) <= WITHIN
        });
        same.count() >= REPAIRS
    };
    if let Some(last) = repairs.iter().copied().rev().find(third) {
        return Some(Contest {
            until: after(last.at),
            manager: last.manager.clone(),
        });
    }
    let stalled = object?.status.condition(ConditionKind::Stalled)?;
    let until = after(stalled.since);
    let is_contested = stalled.reason == Reason::Contested
        && stalled.observed_generation == object?.generation
        && now < until;
    is_contested.then_some(Contest {
        until,
        manager: None,
    })
}

/// Returns the repairs that still count, including new ones.
pub(super) fn remember(memory: &mut Memory, made: Vec<(Key, Repair)>, now: Timestamp) {
    memory.repairs.retain(|_, repairs| {
        repairs.retain(|repair| is_recent(repair, now));
        !repairs.is_empty()
    });
    for (key, repair) in made {
        memory.repairs.entry(name(&key)).or_default().push(repair);
    }
}

fn is_recent(repair: &Repair, now: Timestamp) -> bool {
    now < after(repair.at)
}

fn after(at: Timestamp) -> Timestamp {
    at.checked_add(REST).unwrap_or(Timestamp::MAX)
}
