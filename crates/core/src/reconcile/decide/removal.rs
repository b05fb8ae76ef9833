//! Decides what to do with an entry that an object no longer requests.

use std::collections::HashMap;

use super::super::object::{DriftPolicy, Reason, Recorded};
use super::desired::Key;
use super::look::Look;
use super::need::{self, Need};
use super::outcome::{Fate, unmap, unreadable};
use crate::authenticator::{NodeRoles, is_node};
use crate::command_line::quoted;
use crate::document::edit::Edit;

/// The action for an entry.
pub(super) enum Removal {
    /// None: the entry does not exist, or the object does not own it.
    Nothing,
    /// None yet: another object is about to take it over.
    Waits,
    /// The entry is kept, and why.
    Left(String),
    /// The entry cannot be removed now.
    Unreadable(Fate),
    /// The entry is removed; the node entry that may be removed with it.
    Edit(Edit, Option<String>),
}

impl Look<'_> {
    /// Returns the action for an entry that an object no longer requests.
    pub(super) fn removal(
        &self,
        at: usize,
        old: &Recorded,
        fates: &HashMap<usize, Fate>,
        roles: &NodeRoles<'_>,
    ) -> Removal {
        let key = old.key();
        if let Some(holder) = self.winner(&key.1).filter(|winner| *winner != at) {
            match fates.get(&holder) {
                Some(Fate::Has(_)) => return Removal::Nothing,
                Some(Fate::Drifted(_) | Fate::Contested(_)) if self.has_record(holder, &key) => {
                    return Removal::Nothing;
                }
                Some(Fate::Later(_)) | None => return Removal::Waits,
                Some(_) => {}
            }
        }
        let section = self.stands.document.section(old.section);
        if let Some(fate) = unreadable(section) {
            return Removal::Unreadable(fate);
        }
        let Some(found) = self.stands.get(&key) else {
            return Removal::Nothing;
        };
        if !self.records.has(at, &key, &found) {
            return Removal::Nothing;
        }
        let spec = self.object(at).spec.as_ref();
        let reports = spec.is_ok_and(|spec| spec.drift == DriftPolicy::Report);
        if reports && !found.are_just(old) {
            return Removal::Left(format!(
                "the entry of {} stays: somebody else has changed it, and driftPolicy is Report; remove it: {}",
                old.key,
                unmap(old)
            ));
        }
        let mut allowed = None;
        if found.in_force().any(is_node) {
            if !self.is_of_no_node(&old.key, roles) {
                return Removal::Left(format!(
                    "the entry of {} stays: nodes may need it; if none does, remove it: {} --allow-node-entry {}",
                    old.key,
                    unmap(old),
                    quoted(&old.key)
                ));
            }
            allowed = Some(old.key.clone());
        }
        if let Err(why) = section.editable() {
            let message = format!(
                "{} can't be edited: line {}: {}",
                section.name().key(),
                why.line,
                why.reason
            );
            return Removal::Unreadable(Fate::Stalled(Reason::Unreadable, message));
        }
        Removal::Edit(old.unmap(), allowed)
    }

    fn has_record(&self, at: usize, key: &Key) -> bool {
        self.recorded(at)
            .iter()
            .any(|recorded| recorded.key() == *key)
    }

    /// Returns whether facts show that no node signs in with this role.
    fn is_of_no_node(&self, arn: &str, roles: &NodeRoles<'_>) -> bool {
        need::need(self.view, roles, arn) == Need::NotNeeded
    }
}
