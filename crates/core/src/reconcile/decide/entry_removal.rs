//! Decides whether an entry that an object no longer requests is removed.

use std::collections::HashMap;

use super::super::mapping_object::{DriftPolicy, EntryRecord, Reason};
use super::current_entries::Entries;
use super::desired_entry::Key;
use super::node_need::{self, NodeNeed};
use super::outcome::{Outcome, Removal, unmap, unreadable_section};
use super::owner_resolver::Resolver;
use crate::authenticator::{NodeRoles, is_node};
use crate::shell_quote::quoted;

impl Resolver<'_> {
    /// Returns the action for an entry that an object no longer requests.
    pub(super) fn removal(
        &self,
        at: usize,
        old: &EntryRecord,
        outcomes: &HashMap<usize, Outcome>,
        roles: &NodeRoles<'_>,
    ) -> Removal {
        let key = old.key();
        if let Some(new_owner) = self.owner(&key.1).filter(|owner| *owner != at) {
            match outcomes.get(&new_owner) {
                Some(Outcome::Applied(_)) => return Removal::Nothing,
                Some(Outcome::Drifted(_) | Outcome::Contested(_))
                    if self.records_entry(new_owner, &key) =>
                {
                    return Removal::Nothing;
                }
                Some(Outcome::Deferred(_)) | None
                    if self.includes_unrecorded || !self.must_lose(at, old) =>
                {
                    return Removal::Deferred;
                }
                Some(_) | None => {}
            }
        }
        if !self.is_proven(at, old) {
            return match self.current.get(&key) {
                None => Removal::Nothing,
                Some(_) => Removal::Kept(format!(
                    "the entry of {} is kept: the controller has no record that it wrote it for this object; to remove it: {}",
                    old.key,
                    unmap(old)
                )),
            };
        }
        let section = self.current.document.section(old.section);
        if let Some(outcome) = unreadable_section(section) {
            return Removal::Unreadable(outcome);
        }
        let Some(found) = self.current.get(&key) else {
            return Removal::Nothing;
        };
        if self.input.config.protect.includes(&old.key) {
            return Removal::Kept(format!(
                "the entry of {} is kept: protect.arns in the controller's configuration lists it",
                old.key
            ));
        }
        if !self.records.belongs_to(at, &key, &found) {
            return Removal::Nothing;
        }
        let spec = self.object(at).spec.as_ref();
        let reports = spec.is_ok_and(|spec| spec.drift == DriftPolicy::Report);
        if reports && !found.are_exactly(old) {
            return Removal::Kept(format!(
                "the entry of {} is kept: another client changed it, and driftPolicy is Report; to remove it: {}",
                old.key,
                unmap(old)
            ));
        }
        self.removal_of(old, &found, roles)
    }

    /// Returns the action for an entry that must be removed, no matter which object owns it.
    pub(super) fn removal_of(
        &self,
        old: &EntryRecord,
        found: &Entries<'_, '_>,
        roles: &NodeRoles<'_>,
    ) -> Removal {
        let section = self.current.document.section(old.section);
        let mut allowed = None;
        if found.in_force().any(is_node) {
            if !self.is_unused_by_nodes(&old.key, roles) {
                return Removal::Kept(format!(
                    "the entry of {} is kept: nodes may need it; if no node needs it, remove it: {} --allow-node-entry {}",
                    old.key,
                    unmap(old),
                    quoted(&old.key)
                ));
            }
            allowed = Some(old.key.clone());
        }
        if let Err(why) = section.editable() {
            let message = format!(
                "{} cannot be edited: line {}: {}",
                section.name().key(),
                why.line,
                why.reason
            );
            return Removal::Unreadable(Outcome::Stalled(Reason::Unreadable, message));
        }
        Removal::Edit(old.unmap(), allowed)
    }

    fn records_entry(&self, at: usize, key: &Key) -> bool {
        self.recorded(at)
            .iter()
            .any(|recorded| recorded.key() == *key)
    }

    /// Returns whether it is known that no node signs in with this role.
    fn is_unused_by_nodes(&self, arn: &str, roles: &NodeRoles<'_>) -> bool {
        node_need::of(self.input, roles, arn) == NodeNeed::NotNeeded
    }
}
