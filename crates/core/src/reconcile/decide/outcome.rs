//! Decides the outcome for each object: applied, deferred, drifted, contested, stalled, expired or removed.

use std::collections::HashMap;

use super::super::config::OnWithdrawal;
use super::super::decision::Stage;
use super::super::mapping_object::{DeletionPolicy, DriftPolicy, EntryRecord, Reason};
use super::conflict_backoff::{self, ConflictBackoff};
use super::current_entries::Entries;
use super::desired_entry::{Key, describe};
use super::edit_set::EditSet;
use super::owner_resolver::Resolver;
use crate::authenticator::{NodeRoles, Override, is_node};
use crate::document::edit::Edit;
use crate::document::{Mapping, Section, SectionName};
use crate::shell_quote::quoted;

/// The outcome for an object.
#[derive(Debug)]
pub(super) enum Outcome {
    /// aws-auth contains the requested entry, or will after this write.
    Applied(Applied),
    /// The write is deferred, because it is not recorded in the object yet. `None` if the object waits for another object.
    Deferred(Option<EditSet>),
    /// Another client changed the entry, which is only reported.
    Drifted(String),
    /// Another client keeps changing the entry.
    Contested(ConflictBackoff),
    /// The requested entry cannot be written, or the previous entry cannot be removed.
    Stalled(Reason, String),
    /// Entries of the object are no longer granted: the edits that remove them, and the reason and the message of the condition Ready.
    Revoking(EditSet, Reason, String),
    /// The object has expired: the edits that remove its entries, and messages about entries that cannot be removed.
    Expired(EditSet, Vec<String>),
    /// The object is being deleted: the edits that remove its entries, and messages about entries that are kept.
    Removing(EditSet, Vec<String>),
    /// The mapping is an access entry, and nothing changes in aws-auth.
    InAccessEntries,
}

/// The edits for an object whose requested entry can be written.
#[derive(Debug)]
pub(super) struct Applied {
    /// The edits to write; empty if aws-auth already contains the entry.
    pub(super) edit_set: EditSet,
    /// Another client's change that is reverted.
    pub(super) repaired: Option<String>,
    /// Messages about previous entries that are kept.
    pub(super) kept: Vec<String>,
}

/// The action for an entry that an object no longer requests.
pub(super) enum Removal {
    /// None: the entry does not exist, or the object does not own it.
    Nothing,
    /// None yet: another object will own the entry, but its write is deferred.
    Deferred,
    /// The entry is kept. Contains a message.
    Kept(String),
    /// The entry cannot be removed now.
    Unreadable(Outcome),
    /// Removes the entry. Contains its ARN if it is a node entry that may be removed.
    Edit(Edit, Option<String>),
}

impl Resolver<'_> {
    /// Decides the outcome of each object, in the order of the input.
    pub(super) fn outcomes(&self, roles: &NodeRoles<'_>) -> Vec<Outcome> {
        let mut outcomes: HashMap<usize, Outcome> = HashMap::with_capacity(self.order.len());
        let (in_access_entries, others): (Vec<usize>, Vec<usize>) = self
            .order
            .iter()
            .partition(|&&at| self.leaves_aws_auth_alone(at));
        let (leaving, existing): (Vec<usize>, Vec<usize>) = others
            .into_iter()
            .partition(|&at| self.is_leaving(at) || self.access_entries.includes(at));
        for &at in &existing {
            outcomes.insert(at, self.outcome_of_existing(at));
        }
        self.defer_previous_owners(&existing, &mut outcomes);
        for &at in &existing {
            if let Some(revoking) = self.outcome_of_withdrawn(at, &outcomes, roles) {
                outcomes.insert(at, revoking);
                continue;
            }
            let mut applied = match outcomes.remove(&at) {
                Some(Outcome::Applied(applied)) => applied,
                Some(Outcome::Deferred(Some(edit_set))) => {
                    let unreadable = self.previous_entry_is_unreadable(at);
                    outcomes.insert(at, unreadable.unwrap_or(Outcome::Deferred(Some(edit_set))));
                    continue;
                }
                other => {
                    outcomes.extend(other.map(|other| (at, other)));
                    continue;
                }
            };
            let moved = self.remove_previous_entry(at, &mut applied, &outcomes, roles);
            outcomes.insert(at, moved.unwrap_or(Outcome::Applied(applied)));
        }
        for &at in &in_access_entries {
            let revoking = self.outcome_of_withdrawn(at, &outcomes, roles);
            outcomes.extend(revoking.map(|revoking| (at, revoking)));
        }
        for &at in &leaving {
            let outcome = self.outcome_of_leaving(at, &outcomes, roles);
            let outcome = match (self.object(at).is_deleting, outcome) {
                // The access entry takes precedence until the entry can be removed.
                (_, Outcome::Stalled(..)) if self.access_entries.includes(at) => {
                    Outcome::InAccessEntries
                }
                (_, outcome) if self.access_entries.includes(at) => outcome,
                (false, Outcome::Removing(edits, kept)) => Outcome::Expired(edits, kept),
                (false, Outcome::Stalled(_, why)) => {
                    let why = format!("its entry cannot be removed: {why}");
                    Outcome::Expired(EditSet::default(), vec![why])
                }
                (_, outcome) => outcome,
            };
            outcomes.insert(at, outcome);
        }
        (0..self.order.len())
            .map(|at| match outcomes.remove(&at) {
                Some(outcome) => outcome,
                None if self.access_entries.includes(at) => Outcome::InAccessEntries,
                None => Outcome::Deferred(None),
            })
            .collect()
    }

    /// Returns whether the object's mapping is an access entry, and none of its entries in aws-auth is to be removed now.
    fn leaves_aws_auth_alone(&self, at: usize) -> bool {
        let object = self.object(at);
        let is_recorded = object.status.entry.is_some() || !object.status.pending.is_empty();
        let is_replaced = is_recorded && self.access_entries.has_requested(at);
        self.access_entries.includes(at) && !is_replaced
    }

    /// Defers objects with a recorded entry whose new owner is deferred: the record stays until the new owner's write.
    fn defer_previous_owners(&self, existing: &[usize], outcomes: &mut HashMap<usize, Outcome>) {
        let mut waiting: HashMap<usize, Vec<usize>> = HashMap::new();
        for &at in existing {
            for old in self.recorded(at) {
                let new_owner = self.owner(&old.folded_key());
                if let Some(new_owner) = new_owner.filter(|new_owner| *new_owner != at) {
                    waiting.entry(new_owner).or_default().push(at);
                }
            }
        }
        let is_deferred = |at: &usize| matches!(outcomes.get(at), Some(Outcome::Deferred(_)));
        let mut deferred: Vec<usize> = existing.iter().copied().filter(is_deferred).collect();
        while let Some(new_owner) = deferred.pop() {
            for at in waiting.remove(&new_owner).unwrap_or_default() {
                if matches!(outcomes.get(&at), Some(Outcome::Applied(_))) {
                    outcomes.insert(at, Outcome::Deferred(None));
                    deferred.push(at);
                }
            }
        }
    }

    fn outcome_of_existing(&self, at: usize) -> Outcome {
        let desired = match &self.desired[at] {
            Ok(desired) => desired,
            Err(why) => return self.outcome_of_unapproved(at, why),
        };
        if let Some(refused) = self.refused.get(&at) {
            return Outcome::Stalled(refused.reason(), refused.message());
        }
        if let Some(owner) = self
            .owner(&desired.folded_key())
            .filter(|owner| *owner != at)
        {
            let (kind, name) = (self.object(owner).kind.name(), &self.object(owner).name);
            let message = format!("the older {kind} {name} requests {}", desired.key);
            return Outcome::Stalled(Reason::Conflict, message);
        }
        let entries = self.input.access_entries;
        if let Some(hidden) =
            entries.and_then(|entries| entries.override_for_principal(&desired.principal()))
            && !matches!(hidden, Override::AccessEntry(entry) if self.access_entries.owns(at, &entry.principal_arn))
        {
            let message = format!(
                "{hidden}, so the entry of {} in aws-auth has no effect",
                desired.key
            );
            return Outcome::Stalled(Reason::ShadowedBy, message);
        }
        let section = self.current.document.section(desired.section);
        if let Some(stalled) = unreadable_section(section) {
            return stalled;
        }
        let outcome = self.outcome_of_approved(at, desired, section);
        match outcome {
            Outcome::Applied(applied) if self.input.stage == Stage::Writing => {
                let is_recorded = applied.edit_set.edits.is_empty()
                    || (self.is_recorded(at, desired) && self.is_proven(at, desired));
                match is_recorded && !self.lacks_finalizer(at) {
                    true => Outcome::Applied(applied),
                    false => Outcome::Deferred(Some(applied.edit_set)),
                }
            }
            outcome => outcome,
        }
    }

    /// Returns the outcome of an object whose request is invalid or not approved. Keeps an entry that was approved earlier: otherwise,
    /// one mistake in the configuration could lock out all users.
    fn outcome_of_unapproved(&self, at: usize, why: &str) -> Outcome {
        Outcome::Stalled(Reason::Refused, self.unapproved(at, why, &[]))
    }

    /// Returns the message for an object whose request is not approved. Does not call an entry kept if `edits` remove it.
    fn unapproved(&self, at: usize, why: &str, edits: &[Edit]) -> String {
        let had = self.object(at).status.entry.as_ref();
        let is_own = |old: &&EntryRecord| {
            let owner = self.owner(&old.folded_key());
            let is_removed = edits
                .iter()
                .any(|edit| edit.principal() == &old.principal());
            owner.is_none_or(|owner| owner == at)
                && self.is_proven(at, old)
                && !self.input.config.protect.includes(&old.key)
                && !is_removed
                && self.current.get(&old.key()).is_some()
        };
        had.filter(is_own).map_or_else(
            || why.to_owned(),
            |old| {
                format!(
                    "{why}. The existing entry of {} is kept until the object is deleted",
                    old.key
                )
            },
        )
    }

    /// Returns the outcome of an object whose entries were granted with `onWithdrawal: Revoke` and are no longer granted; `None` if
    /// there are none. They are removed even if the object's current request cannot be carried out.
    fn outcome_of_withdrawn(
        &self,
        at: usize,
        outcomes: &HashMap<usize, Outcome>,
        roles: &NodeRoles<'_>,
    ) -> Option<Outcome> {
        let (reason, why) = match &self.desired[at] {
            Err(why) => (Reason::Refused, why.clone()),
            Ok(_) if self.refused_again.contains(&at) => return None,
            Ok(_) => match outcomes.get(&at) {
                Some(Outcome::Applied(_)) => return None,
                Some(Outcome::Deferred(_)) if self.includes_unrecorded => return None,
                Some(Outcome::Deferred(_)) => (
                    Reason::Applying,
                    "the request cannot be recorded in the object yet".to_owned(),
                ),
                Some(outcome) => self.ready_reason(at, outcome),
                None => (
                    Reason::Applying,
                    "the mapping moves to an access entry".to_owned(),
                ),
            },
        };
        // If the request is approved, the refused edits are those for the requested entry, not the removals.
        let refused = self.refused.get(&at).filter(|_| self.desired[at].is_err());
        let (mut edits, mut allowed_nodes, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for old in self.recorded(at) {
            let on_withdrawal = self.input.record.get(&self.object(at).uid, old);
            if on_withdrawal != Some(OnWithdrawal::Revoke)
                || old.approved_by(self.input.config).is_ok()
            {
                continue;
            }
            match self.removal(at, old, outcomes, roles) {
                Removal::Nothing => {}
                Removal::Deferred => return Some(Outcome::Deferred(None)),
                Removal::Kept(why) => kept.push(why),
                Removal::Unreadable(outcome) => return Some(outcome),
                Removal::Edit(edit, allowed) => {
                    edits.push(edit);
                    allowed_nodes.extend(allowed);
                }
            }
        }
        let message = match (refused, kept.as_slice()) {
            (Some(refused), _) => {
                let message = refused.message();
                format!("{why}. The entry cannot be removed: {message}")
            }
            (None, []) => self.unapproved(at, &why, &edits),
            (None, kept) => format!("{why}. {}", kept.join(". ")),
        };
        let is_stalled = matches!(outcomes.get(&at), Some(Outcome::Stalled(..)));
        match edits.is_empty() || refused.is_some() {
            true if !is_stalled || (kept.is_empty() && refused.is_none()) => None,
            true => Some(Outcome::Stalled(reason, message)),
            false => Some(Outcome::Revoking(
                EditSet {
                    edits,
                    allowed_nodes,
                },
                reason,
                message,
            )),
        }
    }

    /// Returns the outcome of an object whose request is approved.
    fn outcome_of_approved(&self, at: usize, desired: &EntryRecord, section: &Section) -> Outcome {
        let object = self.object(at);
        let key = desired.key();
        let mut edits = Vec::new();
        let mut allowed_nodes = Vec::new();
        if let Some((other, entries)) = self.in_other_list(&key) {
            if !self.may_be_replaced(&other, &entries) {
                return in_other_list_unowned(desired, other.0);
            }
            edits.extend(entries.first().map(|mapping| Edit::Unmap {
                principal: mapping.principal.clone(),
                only_line: None,
            }));
        }
        let found = self.current.get(&key);
        let wrote_this = object
            .status
            .entry
            .as_ref()
            .is_some_and(|entry| entry.is_same(desired) && self.is_proven(at, entry));
        let mut drift = None;
        match &found {
            Some(found) if found.all_match(desired) => {}
            Some(found) if !self.may_be_replaced(&key, found) => {
                return owned_by_no_object(desired, found.first());
            }
            Some(found) => {
                if let Some(why) = found.why_not_changed(self.current.document) {
                    let message = format!(
                        "the entry of {} cannot be edited: {why}; fix it, or remove it: {}",
                        desired.key,
                        unmap(desired)
                    );
                    return Outcome::Stalled(Reason::Unreadable, message);
                }
                let now = found
                    .first()
                    .map(|now| describe(&now.username, now.groups()));
                drift = now
                    .filter(|_| wrote_this)
                    .map(|now| format!("was changed to {now}"));
                edits.push(desired.map());
            }
            None if let Some(protected) = self.protected_from(&key) => {
                return owned_by_no_object(desired, Some(&protected.mapping()));
            }
            None => {
                drift = wrote_this.then(|| "was removed".to_owned());
                edits.push(desired.map());
            }
        }
        if edits.is_empty() {
            return Outcome::Applied(Applied::of(edits, allowed_nodes));
        }
        if let Some(what) = &drift {
            let policy = object
                .spec
                .as_ref()
                .map(|spec| spec.drift)
                .unwrap_or_default();
            if policy == DriftPolicy::Report {
                return Outcome::Drifted(format!(
                    "the entry of {} {what} by another client, and driftPolicy is Report",
                    desired.key
                ));
            }
            if let Some(backoff) =
                conflict_backoff::of(self.input.memory, &key, Some(object), self.input.now)
            {
                return Outcome::Contested(backoff);
            }
        }
        if let Err(why) = section.editable() {
            let message = format!(
                "{} cannot be edited: line {}: {}",
                section.name().key(),
                why.line,
                why.reason
            );
            return Outcome::Stalled(Reason::Unreadable, message);
        }
        if is_node(&desired.mapping()) && found.is_some() {
            allowed_nodes.push(desired.key.clone());
        }
        let repaired = drift;
        Outcome::Applied(Applied {
            repaired,
            ..Applied::of(edits, allowed_nodes)
        })
    }

    /// Returns the entries of the same ARN in the other list.
    fn in_other_list(&self, key: &Key) -> Option<(Key, Entries<'_, '_>)> {
        let other = match key.0 {
            SectionName::Roles => SectionName::Users,
            SectionName::Users => SectionName::Roles,
            SectionName::Accounts => return None,
        };
        let other = (other, key.1.clone());
        let entries = self.current.get(&other)?;
        Some((other, entries))
    }

    /// Removes, in the same write, the object's entry for its previous ARN; returns another outcome if that must wait.
    fn remove_previous_entry(
        &self,
        at: usize,
        applied: &mut Applied,
        outcomes: &HashMap<usize, Outcome>,
        roles: &NodeRoles<'_>,
    ) -> Option<Outcome> {
        let desired = self.desired[at].as_ref().ok()?;
        for old in self.recorded(at) {
            if old.folded_key() == desired.folded_key() {
                continue;
            }
            match self.removal(at, old, outcomes, roles) {
                Removal::Nothing => {}
                Removal::Deferred => return Some(Outcome::Deferred(None)),
                Removal::Kept(why) => applied.kept.push(why),
                Removal::Unreadable(outcome) => return Some(outcome),
                Removal::Edit(edit, allowed) => {
                    applied.edit_set.edits.insert(0, edit);
                    applied.edit_set.allowed_nodes.extend(allowed);
                }
            }
        }
        None
    }

    /// Returns the outcome if the object's entry for its previous ARN is in an unreadable section. Such an object is not prepared for
    /// a write, so it must not be deferred either.
    fn previous_entry_is_unreadable(&self, at: usize) -> Option<Outcome> {
        let desired = self.desired[at].as_ref().ok()?;
        let previous = self.recorded(at).into_iter();
        let mut previous = previous
            .filter(|old| old.folded_key() != desired.folded_key() && self.is_proven(at, old));
        previous.find_map(|old| unreadable_section(self.current.document.section(old.section)))
    }

    fn outcome_of_leaving(
        &self,
        at: usize,
        outcomes: &HashMap<usize, Outcome>,
        roles: &NodeRoles<'_>,
    ) -> Outcome {
        if let Some(refused) = self.refused.get(&at) {
            return Outcome::Stalled(refused.reason(), refused.message());
        }
        let mut edit_set = EditSet {
            edits: Vec::new(),
            allowed_nodes: Vec::new(),
        };
        let mut kept = Vec::new();
        // The object's access entry replaces its entries.
        let is_replaced = self.access_entries.includes(at);
        let keeps_entries = !self.is_expired(at)
            && !is_replaced
            && self.object(at).deletion() == DeletionPolicy::Retain;
        for old in self.recorded(at) {
            if !self.object(at).is_deleting && !self.is_proven(at, old) {
                continue;
            }
            if keeps_entries && !self.is_withdrawn(at, old) {
                let current = self.current.get(&old.key());
                kept.extend(current.map(|_| {
                    format!("the entry of {} is kept: deletionPolicy is Retain", old.key)
                }));
                continue;
            }
            match self.removal(at, old, outcomes, roles) {
                Removal::Nothing => {}
                Removal::Deferred => return Outcome::Deferred(None),
                Removal::Kept(why) => kept.push(why),
                Removal::Unreadable(outcome) => return outcome,
                Removal::Edit(edit, allowed) => {
                    edit_set.edits.push(edit);
                    edit_set.allowed_nodes.extend(allowed);
                }
            }
        }
        Outcome::Removing(edit_set, kept)
    }
}

impl Applied {
    fn of(edits: Vec<Edit>, allowed_nodes: Vec<String>) -> Self {
        Self {
            edit_set: EditSet {
                edits,
                allowed_nodes,
            },
            repaired: None,
            kept: Vec::new(),
        }
    }
}

/// Returns the outcome for entries of an unreadable section.
pub(super) fn unreadable_section(section: &Section) -> Option<Outcome> {
    let problem = section
        .problems()
        .first()
        .filter(|_| section.is_unreadable())?;
    let message = format!(
        "the authenticator cannot read {}, so its entries have no effect: line {}: {}; fix it with awsauth edit",
        section.name().key(),
        problem.line,
        problem.message
    );
    Some(Outcome::Stalled(Reason::Unreadable, message))
}

/// Returns the outcome if the other list contains the ARN, in an entry that no object owns.
fn in_other_list_unowned(desired: &EntryRecord, other: SectionName) -> Outcome {
    let word = if other == SectionName::Roles {
        "role"
    } else {
        "user"
    };
    let message = format!(
        "{} is also in {}, in an entry that no object owns; remove it: awsauth unmap {word} {}",
        desired.key,
        other.key(),
        quoted(&desired.key)
    );
    Outcome::Stalled(Reason::ShadowedBy, message)
}

/// Returns the outcome if the ARN has an entry with different content that no object owns.
pub(super) fn owned_by_no_object(desired: &EntryRecord, mapping: Option<&Mapping>) -> Outcome {
    let user = mapping.map(|now| describe(&now.username, now.groups()));
    let user = user.unwrap_or_default();
    let message = match mapping.is_some_and(is_node) {
        true => format!(
            "nodes sign in with {} as {user}; without that entry, they would become NotReady, so delete this object",
            desired.key
        ),
        false => format!(
            "{} is mapped to {user} by an entry that no object owns; remove it: {}",
            desired.key,
            unmap(desired)
        ),
    };
    Outcome::Stalled(Reason::Conflict, message)
}

/// Returns the command that removes an entry.
pub(super) fn unmap(recorded: &EntryRecord) -> String {
    let word = match recorded.section {
        SectionName::Roles => "role",
        SectionName::Users => "user",
        SectionName::Accounts => "account",
    };
    format!("awsauth unmap {word} {}", quoted(&recorded.key))
}
