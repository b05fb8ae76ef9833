//! Removes entries that no object owns any more: an object can vanish without its entry, by `deletionPolicy: Retain`, or because a user
//! removed its finalizer. An entry is removed if a grant with `onWithdrawal: Revoke` covered it and none does any more, or if the
//! ownership record contains that its object had `deletionPolicy: Delete`.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::super::config::OnWithdrawal;
use super::super::decision::{Event, EventKind, Input, Regarding};
use super::super::mapping_object::EntryRecord;
use super::super::ownership_record::{OwnershipRecord, uid_digest};
use super::current_entries::CurrentEntries;
use super::desired_entry::Key;
use super::edit_batch::RefusalReason;
use super::edit_set::EditSet;
use super::outcome::{Outcome, Removal};
use super::owner_resolver::{Resolver, Why};
use crate::authenticator::NodeRoles;
use crate::document::Document;
use crate::plan::Plan;

/// The entries to remove.
#[derive(Default)]
pub(super) struct WithdrawnEntries {
    /// Each with its edit and why it is removed.
    removed: Vec<(EntryRecord, EditSet, Why)>,
    /// Those that cannot be removed, why they should be, and why they cannot.
    kept: Vec<(EntryRecord, Why, String)>,
}

impl Resolver<'_> {
    /// Returns the entries that must be removed, each with the reason.
    pub(super) fn find_withdrawn(&self) -> BTreeMap<Key, (EntryRecord, Why)> {
        let input = self.input;
        let must_go = |entry: EntryRecord, why: Why| {
            let key = entry.key();
            let found = self.current.get(&key)?;
            let section = self.current.document.section(entry.section);
            let is_left_alone = section.is_unreadable()
                || input.config.protect.includes(&entry.key)
                || self.records.has_writer(&key, &found);
            (!is_left_alone).then_some((key, (entry, why)))
        };
        let revocable = revocable(input, &self.current).into_iter();
        let withdrawn = revocable.filter_map(|entry| {
            let why = entry.approved_by(input.config).err()?;
            must_go(entry, Why::NotGranted(why))
        });
        let abandoned = abandoned(input, &self.current).into_iter();
        let abandoned = abandoned.filter_map(|entry| must_go(entry, Why::ObjectDeleted));
        abandoned.chain(withdrawn).collect()
    }
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
                Removal::Kept(kept) => withdrawn.kept.push((entry.clone(), why.clone(), kept)),
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
            if let Some(reason) = refused(edit_set) {
                kept.push((entry, why, reason.message()));
                continue;
            }
            let arn = &entry.key;
            match why {
                Why::NotGranted(why) => emit(
                    "Revoked",
                    format!(
                        "the entry of {arn}, which no object owns any more, was removed from aws-auth: {why}"
                    ),
                ),
                Why::ObjectDeleted => emit(
                    "Removed",
                    format!(
                        "the entry of {arn} was removed from aws-auth: its object was deleted without the finalizer awsauth.dev/entry, and its deletionPolicy was Delete"
                    ),
                ),
            }
        }
        for (entry, why, kept) in kept {
            let key = format!("{}/{}", entry.section.key(), entry.folded_key());
            if !input.memory.not_revoked.contains(&key) {
                let arn = &entry.key;
                let message = match why {
                    Why::NotGranted(_) => format!(
                        "no grant covers the entry of {arn} any more, but it cannot be removed: {kept}"
                    ),
                    Why::ObjectDeleted => format!(
                        "the object of the entry of {arn} was deleted, but the entry cannot be removed: {kept}"
                    ),
                };
                emit("NotRevoked", message);
            }
            not_revoked.insert(key);
        }
        not_revoked
    }
}

/// Adds the entries that no object owns and that may have to be removed once the plan is carried out: those that are still in
/// aws-auth. An entry that a grant with `onWithdrawal: Keep` covers now is not revocable.
pub(super) fn keep(
    input: &Input<'_>,
    document: &Document,
    plan: Option<&Plan>,
    record: &mut OwnershipRecord,
) {
    if document.sections().any(|section| section.is_unreadable()) {
        record.insert_all_revocable(input.record);
        record.insert_missing_owners(input.record);
        return;
    }
    if !input.record.has_revocable() && !input.record.has_owners() {
        return;
    }
    let after = CurrentEntries::of(plan.map_or(document, Plan::after));
    for entry in revocable(input, &after) {
        if entry.approved_by(input.config) != Ok(OnWithdrawal::Keep) {
            record.insert_revocable(&entry);
        }
    }
    for entry in abandoned(input, &after) {
        if !input.config.protect.includes(&entry.key) {
            record.copy_owner(input.record, &entry);
        }
    }
}

/// Returns the revocable entries of a document.
fn revocable(input: &Input<'_>, current: &CurrentEntries<'_>) -> Vec<EntryRecord> {
    if !input.record.has_revocable() {
        return Vec::new();
    }
    let contents = current.contents();
    contents
        .filter(|entry| input.record.is_revocable(entry))
        .collect()
}

/// Returns the entries of a document whose object had `deletionPolicy: Delete` and does not exist any more.
fn abandoned(input: &Input<'_>, current: &CurrentEntries<'_>) -> Vec<EntryRecord> {
    if !input.record.has_owners() {
        return Vec::new();
    }
    let objects = input.objects.iter();
    let existing: HashSet<_> = objects.map(|object| uid_digest(&object.uid)).collect();
    let is_abandoned = |entry: &EntryRecord| {
        let owner = input.record.deleted_with(entry);
        owner.is_some_and(|owner| !existing.contains(&owner))
    };
    current.contents().filter(is_abandoned).collect()
}
