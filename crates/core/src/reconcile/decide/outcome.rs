//! Decides the outcome for each object.

use std::collections::HashMap;

use super::super::object::{DeletionPolicy, DriftPolicy, Reason, Recorded};
use super::super::types::Stage;
use super::batch::Unit;
use super::conflict_backoff::{self, Contest};
use super::current_entries::Entries;
use super::desired::{Key, said};
use super::look::Look;
use super::removal::Removal;
use crate::authenticator::{NodeRoles, is_node};
use crate::command_line::quoted;
use crate::document::edit::Edit;
use crate::document::{Mapping, Section, SectionName};
use crate::plan::Known;

/// The outcome for an object.
#[derive(Debug)]
pub(super) enum Fate {
    /// aws-auth contains the requested entry, or is about to.
    Has(Has),
    /// The planned write is not recorded yet, so it is deferred. `None` if the object waits for another object.
    Later(Option<Unit>),
    /// Another manager changed the entry, which is only reported.
    Drifted(String),
    /// Another manager keeps changing the entry.
    Contested(Contest),
    /// The request cannot be met, or the entry cannot be removed.
    Stalled(Reason, String),
    /// The object is being removed: what to remove, and what remains and why.
    Goes(Unit, Vec<String>),
}

/// The state of an object whose request is met.
#[derive(Debug)]
pub(super) struct Has {
    /// The edits to write; empty if aws-auth already matches.
    pub(super) unit: Unit,
    /// Another manager's change that is reverted.
    pub(super) repaired: Option<String>,
    /// What remains of its previous entries, and why.
    pub(super) left: Vec<String>,
}

impl Look<'_> {
    /// Decides the outcome of each object, in the order of the view.
    pub(super) fn fates(&self) -> Vec<Fate> {
        let roles = match self.view.node_inventory {
            Known::Is(node_inventory) => NodeRoles::of(node_inventory),
            Known::NotRequested | Known::Unknown { .. } => NodeRoles::default(),
        };
        let mut fates: HashMap<usize, Fate> = HashMap::with_capacity(self.order.len());
        let (leaving, living): (Vec<usize>, Vec<usize>) = self
            .order
            .iter()
            .partition(|&&at| self.object(at).is_deleting);
        for &at in &living {
            fates.insert(at, self.of_living(at));
        }
        self.wait_for_each_other(&living, &mut fates);
        for &at in &living {
            let mut has = match fates.remove(&at) {
                Some(Fate::Has(has)) => has,
                other => {
                    fates.extend(other.map(|other| (at, other)));
                    continue;
                }
            };
            let moved = self.without_old(at, &mut has, &fates, &roles);
            fates.insert(at, moved.unwrap_or(Fate::Has(has)));
        }
        for &at in &leaving {
            let fate = self.of_leaving(at, &fates, &roles);
            fates.insert(at, fate);
        }
        (0..self.order.len())
            .map(|at| fates.remove(&at).unwrap_or(Fate::Later(None)))
            .collect()
    }

    /// An object's entry stays recorded until the next owner is ready to be written.
    fn wait_for_each_other(&self, living: &[usize], fates: &mut HashMap<usize, Fate>) {
        let mut waiting: HashMap<usize, Vec<usize>> = HashMap::new();
        for &at in living {
            for old in self.recorded(at) {
                let holder = self.winner(&old.claim());
                if let Some(holder) = holder.filter(|holder| *holder != at) {
                    waiting.entry(holder).or_default().push(at);
                }
            }
        }
        let is_later = |at: &usize| matches!(fates.get(at), Some(Fate::Later(_)));
        let mut later: Vec<usize> = living.iter().copied().filter(is_later).collect();
        while let Some(holder) = later.pop() {
            for at in waiting.remove(&holder).unwrap_or_default() {
                if matches!(fates.get(&at), Some(Fate::Has(_))) {
                    fates.insert(at, Fate::Later(None));
                    later.push(at);
                }
            }
        }
    }

    fn of_living(&self, at: usize) -> Fate {
        let wish = match &self.wishes[at] {
            Ok(wish) => wish,
            Err(why) => return self.unapproved(at, why),
        };
        if let Some(refused) = self.refused.get(&at) {
            return Fate::Stalled(refused.reason(), refused.message());
        }
        if let Some(winner) = self.winner(&wish.claim()).filter(|winner| *winner != at) {
            let (kind, name) = (self.object(winner).kind.name(), &self.object(winner).name);
            let message = format!("{} is asked for by the older {kind} {name}", wish.key);
            return Fate::Stalled(Reason::Conflict, message);
        }
        let entries = self.view.access_entries;
        if let Some(hidden) =
            entries.and_then(|entries| entries.override_for_principal(&wish.principal()))
        {
            let message = format!(
                "{hidden}, and what aws-auth says of {} counts for nothing",
                wish.key
            );
            return Fate::Stalled(Reason::ShadowedBy, message);
        }
        let section = self.stands.document.section(wish.section);
        if let Some(stalled) = unreadable(section) {
            return stalled;
        }
        let fate = self.of_entry(at, wish, section);
        match fate {
            Fate::Has(has) if self.view.stage == Stage::Writing => {
                let is_recorded = has.unit.edits.is_empty() || self.is_recorded(at, wish);
                match is_recorded && !self.lacks_finalizer(at) {
                    true => Fate::Has(has),
                    false => Fate::Later(Some(has.unit)),
                }
            }
            fate => fate,
        }
    }

    /// The outcome of an object whose request is not approved. An entry granted before is not removed: one mistake in the
    /// configuration would lock out all users.
    fn unapproved(&self, at: usize, why: &str) -> Fate {
        let had = self.object(at).status.entry.as_ref();
        let is_own = |old: &&Recorded| {
            let winner = self.winner(&old.claim());
            winner.is_none_or(|winner| winner == at) && self.stands.get(&old.key()).is_some()
        };
        let stays = had.filter(is_own);
        let message = stays.map_or_else(
            || why.to_owned(),
            |old| {
                format!(
                    "{why}. The entry of {} stays as it is until the object is deleted",
                    old.key
                )
            },
        );
        Fate::Stalled(Reason::Refused, message)
    }

    /// The outcome of an object that may have its entry.
    fn of_entry(&self, at: usize, wish: &Recorded, section: &Section) -> Fate {
        let object = self.object(at);
        let key = wish.key();
        let mut edits = Vec::new();
        let mut allowed_nodes = Vec::new();
        if let Some((other, entries)) = self.in_other_list(&key) {
            if !self.records.cover(&other, &entries) {
                return shadowed(wish, other.0);
            }
            edits.extend(entries.first().map(|mapping| Edit::Unmap {
                principal: mapping.principal.clone(),
                only_line: None,
            }));
        }
        let found = self.stands.get(&key);
        let wrote_this = object
            .status
            .entry
            .as_ref()
            .is_some_and(|entry| entry.is_same(wish));
        let mut drift = None;
        match &found {
            Some(found) if found.say(wish) => {}
            Some(found) if !self.records.cover(&key, found) => return taken(wish, found.first()),
            Some(found) => {
                if let Some(why) = found.why_not_changed(self.stands.document) {
                    let message = format!(
                        "the entry of {} can't be changed: {why}; mend it, or remove it: {}",
                        wish.key,
                        unmap(wish)
                    );
                    return Fate::Stalled(Reason::Unreadable, message);
                }
                let now = found.first().map(|now| said(&now.username, now.groups()));
                drift = now
                    .filter(|_| wrote_this)
                    .map(|now| format!("was changed to {now}"));
                edits.push(wish.map());
            }
            None if let Some(protected) = self.protected_from(&key) => {
                return taken(wish, Some(&protected.mapping()));
            }
            None => {
                drift = wrote_this.then(|| "was removed".to_owned());
                edits.push(wish.map());
            }
        }
        if edits.is_empty() {
            return Fate::Has(Has::of(edits, allowed_nodes));
        }
        if let Some(what) = &drift {
            let policy = object
                .spec
                .as_ref()
                .map(|spec| spec.drift)
                .unwrap_or_default();
            if policy == DriftPolicy::Report {
                return Fate::Drifted(format!(
                    "the entry of {} {what} by somebody else, and driftPolicy is Report",
                    wish.key
                ));
            }
            if let Some(contest) =
                conflict_backoff::of(self.view.memory, &key, Some(object), self.view.now)
            {
                return Fate::Contested(contest);
            }
        }
        if let Err(why) = section.editable() {
            let message = format!(
                "{} can't be edited: line {}: {}",
                section.name().key(),
                why.line,
                why.reason
            );
            return Fate::Stalled(Reason::Unreadable, message);
        }
        if is_node(&wish.mapping()) && found.is_some() {
            allowed_nodes.push(wish.key.clone());
        }
        let repaired = drift;
        Fate::Has(Has {
            repaired,
            ..Has::of(edits, allowed_nodes)
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
        let entries = self.stands.get(&other)?;
        Some((other, entries))
    }

    /// Removes, in the same write, the object's entry for its previous ARN; returns another outcome if that must wait.
    fn without_old(
        &self,
        at: usize,
        has: &mut Has,
        fates: &HashMap<usize, Fate>,
        roles: &NodeRoles<'_>,
    ) -> Option<Fate> {
        let wish = self.wishes[at].as_ref().ok()?;
        for old in self.recorded(at) {
            let is_same_list_or_arn = old.claim() == wish.claim();
            if is_same_list_or_arn {
                continue;
            }
            match self.removal(at, old, fates, roles) {
                Removal::Nothing => {}
                Removal::Waits => return Some(Fate::Later(None)),
                Removal::Left(why) => has.left.push(why),
                Removal::Unreadable(fate) => return Some(fate),
                Removal::Edit(edit, allowed) => {
                    has.unit.edits.insert(0, edit);
                    has.unit.allowed_nodes.extend(allowed);
                }
            }
        }
        None
    }

    fn of_leaving(&self, at: usize, fates: &HashMap<usize, Fate>, roles: &NodeRoles<'_>) -> Fate {
        if let Some(refused) = self.refused.get(&at) {
            return Fate::Stalled(refused.reason(), refused.message());
        }
        let mut unit = Unit {
            edits: Vec::new(),
            allowed_nodes: Vec::new(),
        };
        let mut left = Vec::new();
        let spec = &self.object(at).spec;
        let is_kept = !matches!(spec, Ok(spec) if spec.deletion == DeletionPolicy::Delete);
        for old in self.recorded(at) {
            if is_kept {
                let stands = self.stands.get(&old.key());
                let why = match spec {
                    Ok(_) => "its deletionPolicy is Retain".to_owned(),
                    Err(why) => format!("its spec can't be read: {why}"),
                };
                left.extend(stands.map(|_| format!("the entry of {} stays: {why}", old.key)));
                continue;
            }
            match self.removal(at, old, fates, roles) {
                Removal::Nothing => {}
                Removal::Waits => return Fate::Later(None),
                Removal::Left(why) => left.push(why),
                Removal::Unreadable(fate) => return fate,
                Removal::Edit(edit, allowed) => {
                    unit.edits.push(edit);
                    unit.allowed_nodes.extend(allowed);
                }
            }
        }
        Fate::Goes(unit, left)
    }
}

impl Has {
    fn of(edits: Vec<Edit>, allowed_nodes: Vec<String>) -> Self {
        Self {
            unit: Unit {
                edits,
                allowed_nodes,
            },
            repaired: None,
            left: Vec::new(),
        }
    }
}

pub(super) fn unreadable(section: &Section) -> Option<Fate> {
    let problem = section
        .problems()
        .first()
        .filter(|_| section.is_unreadable())?;
    let message = format!(
        "{} can't be read, so that none of it is in force: line {}: {}; see what is wrong with awsauth lint, and mend it with awsauth edit",
        section.name().key(),
        problem.line,
        problem.message
    );
    Some(Fate::Stalled(Reason::Unreadable, message))
}

/// An entry in the other list that no object wrote.
fn shadowed(wish: &Recorded, other: SectionName) -> Fate {
    let word = if other == SectionName::Roles {
        "role"
    } else {
        "user"
    };
    let message = format!(
        "{} stands in {}, too, and no object has written that; remove it: awsauth unmap {word} {}",
        wish.key,
        other.key(),
        quoted(&wish.key)
    );
    Fate::Stalled(Reason::ShadowedBy, message)
}

/// An entry that no object wrote and that has different content.
fn taken(wish: &Recorded, mapping: Option<&Mapping>) -> Fate {
    let now = mapping.map_or_else(String::new, |now| {
        format!(" as {}", said(&now.username, now.groups()))
    });
    let message = match mapping.is_some_and(is_node) {
        true => format!(
            "{} is what nodes sign in with{now}: without that entry, they would become NotReady, so delete this object",
            wish.key
        ),
        false => format!(
            "{} is mapped{now} by an entry that no object has written; remove it: {}",
            wish.key,
            unmap(wish)
        ),
    };
    Fate::Stalled(Reason::Conflict, message)
}

/// Returns the command that removes an entry.
pub(super) fn unmap(recorded: &Recorded) -> String {
    let word = match recorded.section {
        SectionName::Roles => "role",
        SectionName::Users => "user",
        SectionName::Accounts => "account",
    };
    format!("awsauth unmap {word} {}", quoted(&recorded.key))
}
