//! Suspends repairs for a while when another client keeps changing an entry.

use jiff::{SignedDuration, Timestamp};

use super::super::decision::{Memory, Repair};
use super::super::mapping_object::{ConditionKind, Object, Reason};
use super::desired_entry::Key;

/// The number of repairs within [`WINDOW`] that count as a conflict, if the same field manager made all the changes.
const MAX_REPAIRS: usize = 3;
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// How long repairs are suspended, unless the object's spec changes.
const SUSPENSION: SignedDuration = SignedDuration::from_hours(1);

/// A suspension of repairs.
#[derive(Debug)]
pub(super) struct ConflictBackoff {
    /// When repairs resume.
    pub(super) until: Timestamp,
    /// The other field manager, if known.
    pub(super) manager: Option<String>,
}

/// Returns the key in [`Memory::repairs`].
pub(super) fn memory_key(key: &Key) -> String {
    format!("{}/{}", key.0.key(), key.1)
}

/// Returns the suspension for an entry, according to the remembered repairs or, after their loss, to the object's conditions.
pub(super) fn of(
    memory: &Memory,
    key: &Key,
    object: Option<&Object>,
    now: Timestamp,
) -> Option<ConflictBackoff> {
    let about = object.map(|object| (object.uid.clone(), object.generation));
    let repairs = memory.repairs.get(&memory_key(key));
    let repairs: Vec<&Repair> = repairs
        .into_iter()
        .flatten()
        .filter(|repair| repair.object == about && is_recent(repair, now))
        .collect();
    let is_conflict = |last: &&Repair| {
        let same = repairs.iter().filter(|repair| {
            repair.manager == last.manager
                && repair.at <= last.at
                && last.at.duration_since(repair.at) <= WINDOW
        });
        same.count() >= MAX_REPAIRS
    };
    if let Some(last) = repairs.iter().copied().rev().find(is_conflict) {
        return Some(ConflictBackoff {
            until: after(last.at),
            manager: last.manager.clone(),
        });
    }
    let stalled = object?.status.condition(ConditionKind::Stalled)?;
    let until = after(stalled.since);
    let is_contested = stalled.reason == Reason::Contested
        && stalled.observed_generation == object?.generation
        && stalled.since <= now
        && now < until;
    is_contested.then_some(ConflictBackoff {
        until,
        manager: None,
    })
}

/// Adds new repairs to the memory, and removes old ones.
pub(super) fn remember(memory: &mut Memory, repairs: Vec<(Key, Repair)>, now: Timestamp) {
    memory.repairs.retain(|_, repairs| {
        repairs.retain(|repair| is_recent(repair, now));
        !repairs.is_empty()
    });
    for (key, repair) in repairs {
        memory
            .repairs
            .entry(memory_key(&key))
            .or_default()
            .push(repair);
    }
}

fn is_recent(repair: &Repair, now: Timestamp) -> bool {
    now < after(repair.at)
}

fn after(at: Timestamp) -> Timestamp {
    at.checked_add(SUSPENSION).unwrap_or(Timestamp::MAX)
}
