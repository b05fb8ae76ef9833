//! Applies a batch to the entries in memory, before any text is changed.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::change_entry::changeable;
use super::check_editable;
use super::edit_and_outcome::{Edit, Groups, Outcome};
use super::error::EditError;
use super::group_set::GroupSet;
use super::principal_index::{PrincipalIndex, is_same};
use crate::arn::{canonical, equal_fold, to_lower};
use crate::document::authenticator_validation::invalid;
use crate::document::entry_decoder::RawEntry;
use crate::document::{Document, Entry, Mapping, NotEditable, Principal, Section, SectionName};

/// The three sections.
pub(super) struct Model<'d> {
    sections: [SectionModel<'d>; 3],
}

/// One section: its entries and their changes.
///
/// An entry's slot is its number: the existing entries come first, then the added ones.
pub(super) struct SectionModel<'d> {
    pub(super) section: &'d Section,
    /// The change to the entry in each slot.
    changes: Vec<EntryChange>,
    /// The principal of each new entry.
    added: Vec<Principal>,
    /// The users of entries that an edit added, changed, or found to be as requested.
    requested: HashMap<usize, Requested>,
    index: PrincipalIndex,
    /// Whether the text can be edited, computed on first use.
    is_editable: OnceCell<Result<(), NotEditable>>,
}

/// The change to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryChange {
    Unchanged,
    Removed,
    Changed,
}

/// The Kubernetes user that an entry maps to.
struct Requested {
    username: String,
    groups: GroupSet,
    /// The groups that were renamed, each with its new name.
    renames: Vec<(String, String)>,
}

impl Requested {
    /// Renames a group, and reports whether that made a difference.
    fn rename_group(&mut self, from: &str, to: &str) -> bool {
        if !self.groups.rename(from, to) {
            return false;
        }
        match self.renames.iter_mut().find(|(_, name)| name == from) {
            Some((_, name)) => to.clone_into(name),
            None => self.renames.push((from.to_owned(), to.to_owned())),
        }
        true
    }
}

impl<'d> Model<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        Self {
            sections: SectionName::ALL.map(|name| SectionModel::new(document.section(name))),
        }
    }

    /// Frees the index before the result is built.
    pub(super) fn drop_index(&mut self) {
        for section in &mut self.sections {
            section.index = PrincipalIndex::default();
        }
    }

    pub(super) fn changed_sections(&self) -> impl Iterator<Item = &SectionModel<'d>> {
        self.sections.iter().filter(|section| section.is_changed())
    }

    pub(super) fn apply(&mut self, edit: &Edit) -> Result<Outcome, EditError> {
        match edit {
            Edit::Map {
                principal,
                username,
                groups,
            } => {
                reject_invalid(principal)?;
                self.reject_other_list(principal)?;
                self.sections[principal.section() as usize].map(
                    principal,
                    username.as_deref(),
                    groups,
                )
            }
            Edit::Unmap {
                principal,
                only_line,
            } => self.sections[principal.section() as usize].unmap(principal, *only_line),
            Edit::RenameGroup {
                principal,
                from,
                to,
            } => self.sections[principal.section() as usize].rename_group(principal, from, to),
        }
    }

    fn reject_other_list(&self, principal: &Principal) -> Result<(), EditError> {
        let (arn, other) = match principal {
            Principal::Role(arn) => (arn, Principal::User(arn.clone())),
            Principal::User(arn) => (arn, Principal::Role(arn.clone())),
            Principal::Sso(_) | Principal::Account(_) => return Ok(()),
        };
        let section = &self.sections[other.section() as usize];
        match section.in_force(&other).first() {
            None => Ok(()),
            Some(&slot) => Err(EditError::OtherList {
                arn: arn.clone(),
                section: other.section(),
                line: section.entry(slot).map(|entry| entry.line),
            }),
        }
    }
}

/// Rejects a principal that the authenticator would drop, or store and never match.
fn reject_invalid(principal: &Principal) -> Result<(), EditError> {
    let mut entry = RawEntry::default();
    let reason = match principal {
        Principal::Account(_) => None,
        Principal::Role(arn) | Principal::User(arn) if !equal_fold(arn, &to_lower(arn)) => {
            Some("its ARN becomes another one in lower case".to_owned())
        }
        Principal::Role(arn) | Principal::User(arn) => {
            entry.arn.clone_from(arn);
            invalid(principal.section(), &entry)
        }
        Principal::Sso(sso) => {
            entry.sso = Some(sso.as_ref().clone());
            invalid(principal.section(), &entry)
        }
    };
    reason.map_or(Ok(()), |reason| {
        Err(EditError::Invalid {
            principal: principal.clone(),
            reason,
        })
    })
}

impl<'d> SectionModel<'d> {
    fn new(section: &'d Section) -> Self {
        let entries = section.entries();
        let mut index = PrincipalIndex::with_capacity(entries.len());
        for (slot, entry) in entries.iter().enumerate() {
            index.push(&entry.written_mapping().principal, slot);
        }
        Self {
            section,
            changes: vec![EntryChange::Unchanged; entries.len()],
            added: Vec::new(),
            requested: HashMap::new(),
            index,
            is_editable: OnceCell::new(),
        }
    }

    /// Returns the changes to the existing entries.
    pub(super) fn changes(&self) -> &[EntryChange] {
        &self.changes[..self.section.entries().len()]
    }

    /// Returns the new mapping of the existing entry in this slot, if it is changed.
    pub(super) fn changed(&self, slot: usize) -> Option<Mapping> {
        (self.changes[slot] == EntryChange::Changed).then(|| self.mapping(slot))
    }

    /// Returns the groups that were renamed in the entry of this slot, each with its new name.
    pub(super) fn renames(&self, slot: usize) -> &[(String, String)] {
        let requested = self.requested.get(&slot);
        requested.map_or(&[], |requested| &requested.renames)
    }

    /// Returns the added entries that no later edit removed, in order.
    pub(super) fn added(&self) -> Vec<Mapping> {
        (self.section.entries().len()..self.changes.len())
            .filter(|slot| self.changes[*slot] != EntryChange::Removed)
            .map(|slot| self.mapping(slot))
            .collect()
    }

    /// Returns the existing entry in this slot; `None` for an added one.
    fn entry(&self, slot: usize) -> Option<&'d Entry> {
        self.section.entries().get(slot)
    }

    fn principal(&self, slot: usize) -> &Principal {
        match self.entry(slot) {
            Some(entry) => &entry.written_mapping().principal,
            None => &self.added[slot - self.section.entries().len()],
        }
    }

    /// Returns the mapping of an entry that an edit named.
    fn mapping(&self, slot: usize) -> Mapping {
        let principal = self.principal(slot).clone();
        let requested = self.requested.get(&slot);
        Mapping {
            username: requested.map_or_else(String::new, |requested| requested.username.clone()),
            groups: requested
                .filter(|_| !matches!(principal, Principal::Account(_)))
                .map(|requested| requested.groups.to_vec()),
            principal,
        }
    }

    fn is_changed(&self) -> bool {
        let changed = |change: &EntryChange| *change != EntryChange::Unchanged;
        self.changes().iter().any(changed)
            || self.changes[self.changes().len()..].contains(&EntryChange::Unchanged)
    }

    fn reject_uneditable(&self) -> Result<(), EditError> {
        self.section
            .editable()
            .map_err(|reason| self.not_editable(reason))?;
        let checked = self
            .is_editable
            .get_or_init(|| check_editable::check(self.section));
        checked
            .as_ref()
            .copied()
            .map_err(|reason| self.not_editable(reason))
    }

    fn not_editable(&self, reason: &NotEditable) -> EditError {
        let line_of = |text: &str| {
            let mut lines = text.lines();
            lines.nth(reason.line.saturating_sub(1)).map(str::to_owned)
        };
        EditError::NotEditable {
            section: self.section.name(),
            line: reason.line,
            reason: reason.reason.clone(),
            unreadable: (self.section.is_unreadable())
                .then(|| self.section.text().and_then(line_of).unwrap_or_default()),
        }
    }

    /// Returns whether the authenticator keeps the entry in this slot.
    fn is_kept(&self, slot: usize) -> bool {
        let entry = self.entry(slot);
        entry.is_none_or(|entry| entry.mapping().is_some())
    }

    /// Returns the entries in force for the principal: the last one of each key of the authenticator's store.
    fn in_force(&self, principal: &Principal) -> Vec<usize> {
        let last = |slots: &[usize]| {
            let mut slots = slots.iter().copied().rev();
            slots.find(|slot| self.is_kept(*slot))
        };
        let mut slots: Vec<_> = (self.index.of(principal).filter_map(last))
            .filter(|slot| is_same(self.principal(*slot), principal))
            .collect();
        slots.sort_unstable();
        slots
    }

    fn map(
        &mut self,
        principal: &Principal,
        username: Option<&str>,
        groups: &Groups,
    ) -> Result<Outcome, EditError> {
        let slots = self.in_force(principal);
        if slots.is_empty() {
            return self.add(principal, username, groups);
        }
        let mut outcome = Outcome::Unchanged;
        if matches!(principal, Principal::Account(_)) {
            return Ok(outcome);
        }
        for slot in slots {
            let changed = self.change(slot, |requested| {
                let renamed = username.filter(|username| *username != requested.username);
                if let Some(username) = renamed {
                    username.clone_into(&mut requested.username);
                }
                requested.groups.apply(groups) || renamed.is_some()
            })?;
            outcome = changed.unwrap_or(outcome);
        }
        Ok(outcome)
    }

    fn rename_group(
        &mut self,
        principal: &Principal,
        from: &str,
        to: &str,
    ) -> Result<Outcome, EditError> {
        let slots = self.index.of(principal).flatten().copied();
        let slots: Vec<usize> = slots
            .filter(|slot| is_same(self.principal(*slot), principal))
            .filter(|slot| self.is_kept(*slot))
            .collect();
        let mut outcome = Outcome::Unchanged;
        for slot in slots {
            let changed = self.change(slot, |requested| requested.rename_group(from, to))?;
            outcome = changed.unwrap_or(outcome);
        }
        Ok(outcome)
    }

    /// Changes the user that an entry maps to; returns `None` if it is already as requested.
    fn change(
        &mut self,
        slot: usize,
        change: impl FnOnce(&mut Requested) -> bool,
    ) -> Result<Option<Outcome>, EditError> {
        let entry = self.entry(slot);
        let requested = self.requested.entry(slot).or_insert_with(|| {
            let mapping = entry.map(Entry::written_mapping);
            Requested {
                username: mapping.map_or_else(String::new, |found| found.username.clone()),
                groups: GroupSet::new(mapping.map_or(&[], Mapping::groups)),
                renames: Vec::new(),
            }
        });
        if !change(requested) {
            return Ok(None);
        }
        self.reject_uneditable()?;
        if let Some(entry) = entry.filter(|_| self.changes[slot] == EntryChange::Unchanged) {
            self.reject_uneditable_entry(entry)?;
            self.changes[slot] = EntryChange::Changed;
        }
        Ok(Some(Outcome::Changed {
            line: entry.map(|entry| entry.line),
        }))
    }

    fn add(
        &mut self,
        principal: &Principal,
        username: Option<&str>,
        groups: &Groups,
    ) -> Result<Outcome, EditError> {
        let is_account = matches!(principal, Principal::Account(_));
        let Some(username) = (if is_account { Some("") } else { username }) else {
            return Err(EditError::NeedsUsername {
                principal: principal.clone(),
            });
        };
        self.reject_uneditable()?;
        let mut requested = Requested {
            username: username.to_owned(),
            groups: GroupSet::default(),
            renames: Vec::new(),
        };
        requested.groups.apply(groups);
        let slot = self.changes.len();
        self.changes.push(EntryChange::Unchanged);
        self.added.push(principal.clone());
        self.requested.insert(slot, requested);
        self.index.push(principal, slot);
        Ok(Outcome::Added)
    }

    fn reject_uneditable_entry(&self, entry: &Entry) -> Result<(), EditError> {
        let text = self.section.text().unwrap_or_default();
        changeable(text, entry).map_err(|reason| EditError::UneditableEntry {
            section: self.section.name(),
            line: entry.line,
            reason,
        })
    }

    fn unmap(
        &mut self,
        principal: &Principal,
        only_line: Option<usize>,
    ) -> Result<Outcome, EditError> {
        let mut names = vec![principal.clone()];
        if let Some(canonical) = canonical_of(principal) {
            names.push(canonical);
        }
        let named = |name| {
            let slots = self.index.of(name).flatten().copied();
            slots.filter(|slot| is_same(self.principal(*slot), name))
        };
        let mut alive: Vec<usize> = names.iter().flat_map(named).collect();
        alive.sort_unstable();
        alive.dedup();
        if let Some(line) = only_line {
            alive.retain(|slot| self.entry(*slot).is_some_and(|entry| entry.line == line));
            if alive.is_empty() {
                return Err(EditError::NoSuchLine {
                    section: self.section.name(),
                    line,
                });
            }
        }
        // A section that cannot be read may contain the principal.
        if !alive.is_empty() || self.changes.is_empty() {
            self.reject_uneditable()?;
        }
        if alive.is_empty() {
            return Ok(Outcome::Absent);
        }
        for slot in &alive {
            self.changes[*slot] = EntryChange::Removed;
        }
        for name in &names {
            self.index
                .retain(name, |slot| self.changes[slot] != EntryChange::Removed);
        }
        let lines = alive.iter().filter_map(|slot| self.entry(*slot));
        Ok(Outcome::Removed {
            lines: lines.map(|entry| entry.line).collect(),
        })
    }
}

/// Returns the principal as the authenticator compares it, if that differs.
fn canonical_of(principal: &Principal) -> Option<Principal> {
    let (Principal::Role(arn) | Principal::User(arn)) = principal else {
        return None;
    };
    let canonical = canonical(arn).ok()?.arn;
    match principal {
        _ if canonical == *arn => None,
        Principal::User(_) => Some(Principal::User(canonical)),
        _ => Some(Principal::Role(canonical)),
    }
}
