//! Removes entries that a grant with `onWithdrawal: Revoke` covered and that no object owns any more. An object can vanish without its
//! entry: by `deletionPolicy: Retain`, or because a user removed its finalizer.

use std::collections::{BTreeMap, BTreeSet};

use super::super::config::OnWithdrawal;
use super::super::decision::{Event, EventKind, Input, Regarding};
use super::super::mapping_object::EntryRecord;
use super::super::ownership_record::OwnershipRecord;
use super::current_entries::CurrentEntries;
use super::desired_entry::Key;
use super::edit_batch::{EditSet, RefusalReason};
use super::entry_removal::Removal;
use super::outcome::Outcome;
use super::owner_resolver::Resolver;
use crate::authenticator::NodeRoles;
use crate::document::Document;
use crate::plan::Plan;

/// The entries to remove.
#[derive(Default)]
pub(super) struct WithdrawnEntries {
    /// Each with its edit and why it is not granted.
    removed: Vec<(EntryRecord, EditSet, String)>,
    /// Those that cannot be removed, and why.
    kept: Vec<(EntryRecord, String)>,
}

/// Returns the entries that must be removed, each with the reason why it is not granted.
pub(super) fn find(resolver: &Resolver<'_>) -> BTreeMap<Key, (EntryRecord, String)> {
    let input = resolver.input;
    let withdrawn = |entry: EntryRecord| {
        let key = entry.key();
        let found = resolver.current.get(&key)?;
        let section = resolver.current.document.section(entry.section);
        let is_left_alone = section.is_unreadable()
            || input.config.protect.includes(&entry.key)
            || resolver.records.has_writer(&key, &found);
        let why = entry.approved_by(input.config).err()?;
        (!is_left_alone).then_some((key, (entry, why)))
    };
    let revocable = revocable(input, &resolver.current);
    revocable.into_iter().filter_map(withdrawn).collect()
}

impl WithdrawnEntries {
    pub(super) fn of(resolver: &Resolver<'_>, outcomes: &[Outcome], roles: &NodeRoles<'_>) -> Self {
        let mut withdrawn = Self::default();
        for (key, (entry, why)) in &resolver.withdrawn {
            let owner = resolver.owner(&key.1).map(|owner| &outcomes[owner]);
            let is_replaced = match owner {
                Some(Outcome::Applied(_)) => true,
                // It may never be written.
                Some(Outcome::Deferred(_)) => resolver.includes_unrecorded,
                _ => false,
            };
            let Some(found) = resolver.current.get(key).filter(|_| !is_replaced) else {
                continue;
            };
            match resolver.removal_of(entry, &found, roles) {
                Removal::Edit(edit, allowed) => {
                    let edit_set = EditSet {
                        edits: vec![edit],
                        allowed_nodes: allowed.into_iter().collect(),
                    };
                    withdrawn
                        .removed
                        .push((entry.clone(), edit_set, why.clone()));
                }
                Removal::Kept(kept) => withdrawn.kept.push((entry.clone(), kept)),
                // The section is reported in the objects that need it.
                Removal::Unreadable(_) | Removal::Deferred | Removal::Nothing => {}
            }
        }
        withdrawn
    }

    pub(super) fn edit_sets(&self) -> impl Iterator<Item = EditSet> {
        self.removed.iter().map(|(_, edit_set, _)| edit_set.clone())
    }

    /// Returns whether the plan removes node entries, which depends on facts about nodes.
    pub(super) fn needs_fresh_inventory(&self) -> bool {
        let mut removed = self.removed.iter();
        removed.any(|(_, edit_set, _)| !edit_set.allowed_nodes.is_empty())
    }

    /// Adds the events for the plan. `refused` returns why an entry cannot be removed. Returns the entries that cannot be removed.
    pub(super) fn apply(
        self,
        input: &Input<'_>,
        refused: impl Fn(usize) -> Option<RefusalReason>,
        events: &mut Vec<Event>,
    ) -> BTreeSet<String> {
        let mut not_revoked = BTreeSet::new();
        let mut emit = |reason, message| {
            events.push(Event {
                regarding: Regarding::AwsAuth,
                kind: EventKind::Warning,
                reason,
                message,
            });
        };
        let mut kept = self.kept;
        for (edit_set, (entry, _, why)) in self.removed.into_iter().enumerate() {
            match refused(edit_set) {
                Some(reason) => kept.push((entry, reason.message())),
                None => emit(
                    "Revoked",
                    format!(
                        "the entry of {}, which no object owns any more, was removed from aws-auth: {why}",
                        entry.key
                    ),
                ),
            }
        }
        for (entry, why) in kept {
            let key = format!("{}/{}", entry.section.key(), entry.folded_key());
            if !input.memory.not_revoked.contains(&key) {
                let message = format!(
                    "no grant covers the entry of {} any more, but it cannot be removed: {why}",
                    entry.key
                );
                emit("NotRevoked", message);
            }
            not_revoked.insert(key);
        }
        not_revoked
    }
}

/// Adds the entries that stay revocable once the plan is carried out: those that are still in aws-auth, unless a grant with
/// `onWithdrawal: Keep` covers them now.
pub(super) fn keep_revocable(
    input: &Input<'_>,
    document: &Document,
    plan: Option<&Plan>,
    record: &mut OwnershipRecord,
) {
    if document.sections().any(|section| section.is_unreadable()) {
        record.insert_all_revocable(input.record);
        return;
    }
    let after = CurrentEntries::of(plan.map_or(document, Plan::after));
    for entry in revocable(input, &after) {
        if entry.approved_by(input.config) != Ok(OnWithdrawal::Keep) {
            record.insert_revocable(&entry);
        }
    }
}

/// Returns the revocable entries of a document.
fn revocable(input: &Input<'_>, current: &CurrentEntries<'_>) -> Vec<EntryRecord> {
    if !input.record.has_revocable() {
        return Vec::new();
    }
    let contents = current.keys().filter_map(|key| current.get(key)?.content());
    contents
        .filter(|entry| input.record.is_revocable(entry))
        .collect()
}
