//! What a batch comes to, worked out on the entries before any text is touched.

mod groups;
mod index;
mod steady;

use std::cell::OnceCell;
use std::collections::HashMap;

use super::change::changeable;
use super::{Edit, EditError, Groups, Outcome};
use crate::arn::{canonical, equal_fold, to_lower};
use crate::document::typed::RawEntry;
use crate::document::validate::invalid;
use crate::document::{
    Document, Entry, Mapping, NotEditable, Principal, Section, SectionName, Status,
};
use groups::GroupSet;
use index::{Index, is_same};

/// The three sections.
pub(super) struct Model<'d> {
    sections: [SectionModel<'d>; 3],
}

/// One section: its entries and what becomes of them.
///
/// An entry's slot is its number: those of the text first, then those added, in order.
pub(super) struct SectionModel<'d> {
    pub(super) section: &'d Section,
    /// What becomes of the entry in each slot.
    fates: Vec<Fate>,
    /// Whom each new entry is for.
    added: Vec<Principal>,
    /// What an entry says that was added, changed or found to say so already.
    wanted: HashMap<usize, Wanted>,
    index: Index,
    /// Whether its text may be edited, once asked.
    steady: OnceCell<Result<(), NotEditable>>,
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Goes,
    Changes,
}

/// As whom, and with which groups.
struct Wanted {
    username: String,
    groups: GroupSet,
}

impl<'d> Model<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        Self {
            sections: SectionName::ALL.map(|name| SectionModel::new(document.section(name))),
        }
    }

    /// Makes room for the result: no more edits are to come.
    pub(super) fn forget_index(&mut self) {
        for section in &mut self.sections {
            section.index = Index::default();
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
                refuse_invalid(principal)?;
                self.refuse_other_list(principal)?;
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
        }
    }

    fn refuse_other_list(&self, principal: &Principal) -> Result<(), EditError> {
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

/// Refuses what the authenticator would drop, or store and never find.
fn refuse_invalid(principal: &Principal) -> Result<(), EditError> {
    let mut entry = RawEntry::default();
    let reason = match principal {
        Principal::Account(_) => None,
        Principal::Role(arn) | Principal::User(arn) if !equal_fold(arn, &to_lower(arn)) => {
            Some("in lower case its ARN is another one".to_owned())
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
        let mut index = Index::with_capacity(entries.len());
        for (slot, entry) in entries.iter().enumerate() {
            index.push(&mapping_of(entry).principal, slot);
        }
        Self {
            section,
            fates: vec![Fate::Stays; entries.len()],
            added: Vec::new(),
            wanted: HashMap::new(),
            index,
            steady: OnceCell::new(),
        }
    }

    /// The entries of the text and what becomes of them.
    pub(super) fn fates(&self) -> &[Fate] {
        &self.fates[..self.section.entries().len()]
    }

    /// What the entry of the text in this slot is to say.
    pub(super) fn changed(&self, slot: usize) -> Option<Mapping> {
        (self.fates[slot] == Fate::Changes).then(|| self.mapping(slot))
    }

    /// The new entries that are still there at the end, in order.
    pub(super) fn added(&self) -> Vec<Mapping> {
        (self.section.entries().len()..self.fates.len())
            .filter(|slot| self.fates[*slot] != Fate::Goes)
            .map(|slot| self.mapping(slot))
            .collect()
    }

    /// The entry of the text in this slot; `None` for an added one.
    fn entry(&self, slot: usize) -> Option<&'d Entry> {
        self.section.entries().get(slot)
    }

    fn principal(&self, slot: usize) -> &Principal {
        match self.entry(slot) {
            Some(entry) => &mapping_of(entry).principal,
            None => &self.added[slot - self.section.entries().len()],
        }
    }

    /// What an entry says that an edit has named.
    fn mapping(&self, slot: usize) -> Mapping {
        let principal = self.principal(slot).clone();
        let wanted = self.wanted.get(&slot);
        Mapping {
            username: wanted.map_or_else(String::new, |wanted| wanted.username.clone()),
            groups: wanted
                .filter(|_| !matches!(principal, Principal::Account(_)))
                .map(|wanted| wanted.groups.to_vec()),
            principal,
        }
    }

    fn is_changed(&self) -> bool {
        let changed = |fate: &Fate| *fate != Fate::Stays;
        self.fates().iter().any(changed) || self.fates[self.fates().len()..].contains(&Fate::Stays)
    }

    fn refuse_uneditable(&self) -> Result<(), EditError> {
        self.section
            .editable()
            .map_err(|reason| self.not_editable(reason))?;
        let steady = self.steady.get_or_init(|| steady::check(self.section));
        steady
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

    /// The entries that decide about the principal: of each key of the authenticator's store the last.
    fn in_force(&self, principal: &Principal) -> Vec<usize> {
        let decides = |slot: &usize| {
            self.entry(*slot)
                .is_none_or(|entry| entry.mapping().is_some())
        };
        let last = |slots: &[usize]| slots.iter().copied().rev().find(decides);
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
            let entry = self.entry(slot);
            let wanted = self.wanted.entry(slot).or_insert_with(|| {
                let mapping = entry.map(mapping_of);
                Wanted {
                    username: mapping.map_or_else(String::new, |found| found.username.clone()),
                    groups: GroupSet::new(mapping.map_or(&[], Mapping::groups)),
                }
            });
            let renamed = username.filter(|username| *username != wanted.username);
            if let Some(username) = renamed {
                username.clone_into(&mut wanted.username);
            }
            if !wanted.groups.apply(groups) && renamed.is_none() {
                continue;
            }
            self.refuse_uneditable()?;
            if let Some(entry) = entry.filter(|_| self.fates[slot] == Fate::Stays) {
                self.refuse_odd(entry)?;
                self.fates[slot] = Fate::Changes;
            }
            outcome = Outcome::Changed {
                line: entry.map(|entry| entry.line),
            };
        }
        Ok(outcome)
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
        self.refuse_uneditable()?;
        let mut wanted = Wanted {
            username: username.to_owned(),
            groups: GroupSet::default(),
        };
        wanted.groups.apply(groups);
        let slot = self.fates.len();
        self.fates.push(Fate::Stays);
        self.added.push(principal.clone());
        self.wanted.insert(slot, wanted);
        self.index.push(principal, slot);
        Ok(Outcome::Added)
    }

    fn refuse_odd(&self, entry: &Entry) -> Result<(), EditError> {
        let text = self.section.text().unwrap_or_default();
        changeable(text, entry).map_err(|reason| EditError::OddEntry {
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
        // Nobody knows who stands in a section that cannot be read.
        if !alive.is_empty() || self.fates.is_empty() {
            self.refuse_uneditable()?;
        }
        if alive.is_empty() {
            return Ok(Outcome::Absent);
        }
        for slot in &alive {
            self.fates[*slot] = Fate::Goes;
        }
        for name in &names {
            self.index
                .retain(name, |slot| self.fates[slot] != Fate::Goes);
        }
        let lines = alive.iter().filter_map(|slot| self.entry(*slot));
        Ok(Outcome::Removed {
            lines: lines.map(|entry| entry.line).collect(),
        })
    }
}

/// The principal as the authenticator compares it, where that is another.
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

/// What an entry says, whether the authenticator keeps it or not.
pub(super) fn mapping_of(entry: &Entry) -> &Mapping {
    match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => mapping,
    }
}
