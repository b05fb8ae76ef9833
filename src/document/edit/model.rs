//! What a batch comes to, worked out on the entries before any text is touched.

use std::collections::{BTreeSet, HashMap};

use super::{Edit, EditError, Groups, Outcome};
use crate::arn::{canonical, fold};
use crate::document::{Document, Entry, Mapping, Principal, Section, SectionName, Status};

/// The three sections.
pub(super) struct Model<'d> {
    sections: [SectionModel<'d>; 3],
}

/// One section: its entries and what becomes of them.
pub(super) struct SectionModel<'d> {
    pub(super) section: &'d Section,
    /// What becomes of each entry of the text.
    pub(super) fates: Vec<Fate>,
    /// New entries, in the order they were added; `None` for one that was removed again.
    pub(super) added: Vec<Option<Mapping>>,
    /// Where the entries with this key stand, in order; those of the text first, then those added.
    slots: HashMap<String, Vec<usize>>,
}

/// What becomes of an entry of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Goes,
    /// It says this from now on.
    Changes(Mapping),
}

impl<'d> Model<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        Self {
            sections: SectionName::ALL.map(|name| SectionModel::new(document.section(name))),
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
            Principal::Role(arn) => (arn, SectionName::Users),
            Principal::User(arn) => (arn, SectionName::Roles),
            Principal::Sso(_) | Principal::Account(_) => return Ok(()),
        };
        let section = &self.sections[other as usize];
        match section.in_force(&fold(arn)).first() {
            None => Ok(()),
            Some(&slot) => {
                let line = section.entry(slot).map(|entry| entry.line);
                Err(EditError::OtherList {
                    arn: arn.clone(),
                    section: other,
                    line,
                })
            }
        }
    }
}

impl<'d> SectionModel<'d> {
    fn new(section: &'d Section) -> Self {
        let mut slots: HashMap<String, Vec<usize>> =
            HashMap::with_capacity(section.entries().len());
        for (slot, entry) in section.entries().iter().enumerate() {
            slots
                .entry(key(&mapping_of(entry).principal))
                .or_default()
                .push(slot);
        }
        Self {
            section,
            fates: vec![Fate::Stays; section.entries().len()],
            added: Vec::new(),
            slots,
        }
    }

    /// The entry of the text in this slot; `None` for an added one.
    fn entry(&self, slot: usize) -> Option<&'d Entry> {
        self.section.entries().get(slot)
    }

    /// What the slot says now; `None` when it is gone.
    fn mapping(&self, slot: usize) -> Option<&Mapping> {
        match self.fates.get(slot) {
            None => self.added[slot - self.fates.len()].as_ref(),
            Some(Fate::Goes) => None,
            Some(Fate::Changes(mapping)) => Some(mapping),
            Some(Fate::Stays) => Some(mapping_of(&self.section.entries()[slot])),
        }
    }

    fn is_changed(&self) -> bool {
        self.fates.iter().any(|fate| *fate != Fate::Stays) || self.added.iter().any(Option::is_some)
    }

    /// The entries that answer for this key: of equal spellings the last.
    fn in_force(&self, key: &str) -> Vec<usize> {
        let mut last: Vec<usize> = Vec::new();
        for &slot in self.slots.get(key).into_iter().flatten() {
            let is_dropped = self
                .entry(slot)
                .is_some_and(|entry| matches!(entry.status, Status::Dropped { .. }));
            let Some(mapping) = self.mapping(slot).filter(|_| !is_dropped) else {
                continue;
            };
            // Roles are stored by folded ARN, users as written.
            let twin = |&other: &usize| match (
                &mapping.principal,
                self.mapping(other).map(|other| &other.principal),
            ) {
                (Principal::User(arn), Some(Principal::User(other))) => arn == other,
                _ => true,
            };
            match last.iter().position(twin) {
                Some(at) => last[at] = slot,
                None => last.push(slot),
            }
        }
        last
    }

    fn map(
        &mut self,
        principal: &Principal,
        username: Option<&str>,
        groups: &Groups,
    ) -> Result<Outcome, EditError> {
        let key = key(principal);
        let slots = self.in_force(&key);
        if slots.is_empty() {
            self.add(key, principal, username, groups)?;
            return Ok(Outcome::Added);
        }
        let mut outcome = Outcome::Unchanged;
        for slot in slots {
            let Some(current) = self.mapping(slot) else {
                continue;
            };
            let wanted = Mapping {
                principal: current.principal.clone(),
                username: username.unwrap_or(&current.username).to_owned(),
                groups: groups.applied_to(current.groups()),
            };
            if wanted.username == current.username && is_same_set(wanted.groups(), current.groups())
            {
                continue;
            }
            outcome = Outcome::Changed {
                line: self.entry(slot).map(|entry| entry.line),
            };
            self.change(slot, wanted)?;
        }
        Ok(outcome)
    }

    fn add(
        &mut self,
        key: String,
        principal: &Principal,
        username: Option<&str>,
        groups: &Groups,
    ) -> Result<(), EditError> {
        let is_account = matches!(principal, Principal::Account(_));
        let username = match username {
            Some(username) => username.to_owned(),
            None if is_account => String::new(),
            None => {
                return Err(EditError::NeedsUsername {
                    principal: principal.clone(),
                });
            }
        };
        let groups = if is_account {
            None
        } else {
            groups.applied_to(&[])
        };
        let slot = self.fates.len() + self.added.len();
        self.added.push(Some(Mapping {
            principal: principal.clone(),
            username,
            groups,
        }));
        self.slots.entry(key).or_default().push(slot);
        Ok(())
    }

    fn change(&mut self, slot: usize, wanted: Mapping) -> Result<(), EditError> {
        let Some(entry) = self.entry(slot) else {
            let at = slot - self.fates.len();
            self.added[at] = Some(wanted);
            return Ok(());
        };
        let reason = match &entry.fields {
            fields if fields.repeated => "it holds a field more than once",
            fields if fields.mistyped => "it holds a value of the wrong type",
            _ => {
                self.fates[slot] = Fate::Changes(wanted);
                return Ok(());
            }
        };
        Err(EditError::OddEntry {
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
        let mut keys = BTreeSet::from([key(principal)]);
        if let Principal::Role(arn) | Principal::User(arn) = principal
            && let Ok(canonical) = canonical(arn)
        {
            keys.insert(fold(&canonical.arn).into_owned());
        }
        let slots = keys
            .iter()
            .filter_map(|key| self.slots.get(key))
            .flatten()
            .copied();
        let mut alive: Vec<usize> = slots.filter(|slot| self.mapping(*slot).is_some()).collect();
        alive.sort_unstable();
        if let Some(line) = only_line {
            alive.retain(|slot| self.entry(*slot).is_some_and(|entry| entry.line == line));
            if alive.is_empty() {
                return Err(EditError::NoSuchLine {
                    section: self.section.name(),
                    line,
                });
            }
        }
        if alive.is_empty() {
            return Ok(Outcome::Absent);
        }
        let mut lines = Vec::new();
        for slot in alive {
            match self.entry(slot) {
                Some(entry) => {
                    lines.push(entry.line);
                    self.fates[slot] = Fate::Goes;
                }
                None => {
                    let at = slot - self.fates.len();
                    self.added[at] = None;
                }
            }
        }
        Ok(Outcome::Removed { lines })
    }
}

impl Groups {
    fn applied_to(&self, current: &[String]) -> Option<Vec<String>> {
        let groups = match self {
            Self::Keep => current.to_vec(),
            Self::Set(groups) => groups.clone(),
            Self::Adjust { add, remove } => {
                let kept = current.iter().filter(|group| !remove.contains(group));
                let new = add
                    .iter()
                    .filter(|group| !current.contains(group) && !remove.contains(group));
                kept.chain(new).cloned().collect()
            }
        };
        Some(without_repetitions(groups))
    }
}

fn without_repetitions(groups: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    groups
        .into_iter()
        .filter(|group| seen.insert(group.clone()))
        .collect()
}

fn is_same_set(a: &[String], b: &[String]) -> bool {
    a.iter().collect::<BTreeSet<_>>() == b.iter().collect::<BTreeSet<_>>()
}

/// What an entry says, whether the authenticator keeps it or not.
pub(super) fn mapping_of(entry: &Entry) -> &Mapping {
    match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => mapping,
    }
}

/// What two principals share when they are the same to the authenticator.
fn key(principal: &Principal) -> String {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => fold(arn).into_owned(),
        Principal::Account(id) => id.clone(),
        Principal::Sso(sso) => {
            let pattern = format!(
                "sso\n{}\n{}\n{}",
                sso.partition, sso.account_id, sso.permission_set_name
            );
            pattern.to_ascii_lowercase()
        }
    }
}
