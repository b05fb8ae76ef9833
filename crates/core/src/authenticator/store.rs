//! The authenticator's store of entries.

use super::{Place, sso};
use crate::arn::{fold, to_lower};
use crate::document::{Document, Mapping, Principal, SectionName, Status};
use std::borrow::Cow;
use std::collections::HashMap;

/// The entries of a document as the authenticator stores them, indexed by ARN.
#[derive(Debug)]
pub struct Store<'d> {
    slots: Vec<Slot<'d>>,
    /// Effective `rolearn` entries by folded ARN. Several share one only when they differ by more than ASCII case.
    roles: HashMap<Cow<'d, str>, Vec<usize>>,
    /// Stored `userarn` entries by folded ARN. Those that differ in case share one.
    users: HashMap<Cow<'d, str>, Vec<usize>>,
    sso_roles: Vec<usize>,
    accounts: HashMap<&'d str, usize>,
}

/// An entry and its state in the store.
#[derive(Debug)]
pub struct Slot<'d> {
    pub place: Place,
    /// Its mapping; if it is ignored, what could be read of it.
    pub mapping: &'d Mapping,
    pub state: EntryState<'d>,
}

/// Whether an entry is in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState<'d> {
    /// The entry is in the store and applies to the identities that it matches. Users that differ only in letter case are all
    /// effective: the authenticator may pick any of them.
    Effective,
    /// Another entry applies to every identity that it could match.
    Shadowed {
        /// That entry: a later one with the same key, or a role, which takes precedence over a user.
        by: Place,
    },
    /// The authenticator drops it.
    Ignored {
        /// The authenticator's message.
        reason: &'d str,
    },
}

impl<'d> Store<'d> {
    /// Builds the store as the authenticator does.
    pub fn new(document: &'d Document) -> Self {
        Self::of(document.sections().flat_map(|section| {
            let entries = section.entries().iter().enumerate();
            entries.map(|(index, entry)| {
                let place = Place {
                    section: section.name(),
                    line: entry.line,
                    index,
                };
                (place, &entry.status)
            })
        }))
    }

    /// Builds the store of the given entries, which are in document order.
    pub fn of(entries: impl IntoIterator<Item = (Place, &'d Status), IntoIter: Clone>) -> Self {
        let entries = entries.into_iter();
        let mut sizes = [0; 3];
        for (place, _) in entries.clone() {
            sizes[place.section as usize] += 1;
        }
        let mut store = Self {
            slots: stored(entries, sizes),
            roles: HashMap::with_capacity(sizes[SectionName::Roles as usize]),
            users: HashMap::with_capacity(sizes[SectionName::Users as usize]),
            sso_roles: Vec::new(),
            accounts: HashMap::with_capacity(sizes[SectionName::Accounts as usize]),
        };
        store.index();
        store.shadow_users_by_roles();
        store
    }

    fn index(&mut self) {
        for (number, slot) in self.slots.iter().enumerate() {
            if slot.state != EntryState::Effective {
                continue;
            }
            match &slot.mapping.principal {
                Principal::Role(arn) => self.roles.entry(fold(arn)).or_default().push(number),
                Principal::User(arn) => self.users.entry(fold(arn)).or_default().push(number),
                Principal::Sso(_) => self.sso_roles.push(number),
                Principal::Account(account) => {
                    self.accounts.insert(account, number);
                }
            }
        }
    }

    fn shadow_users_by_roles(&mut self) {
        for (folded, users) in &self.users {
            let Some(&role) = self.roles.get(folded).and_then(|roles| roles.first()) else {
                continue;
            };
            let by = self.slots[role].place;
            for &user in users {
                self.slots[user].state = EntryState::Shadowed { by };
            }
        }
    }

    /// Returns every entry of every section, in document order.
    pub fn slots(&self) -> &[Slot<'d>] {
        &self.slots
    }

    /// Returns the entries of one section, in document order.
    pub fn section(&self, name: SectionName) -> impl Iterator<Item = &Slot<'d>> {
        self.slots
            .iter()
            .filter(move |slot| slot.place.section == name)
    }

    /// Returns the role and user entries in force, each with its ARN.
    pub fn in_force(&self) -> impl Iterator<Item = (&'d str, &Slot<'d>)> {
        let slots = self.slots.iter();
        let in_force = slots.filter(|slot| slot.state == EntryState::Effective);
        in_force.filter_map(|slot| match &slot.mapping.principal {
            Principal::Role(arn) | Principal::User(arn) => Some((arn.as_str(), slot)),
            Principal::Sso(_) | Principal::Account(_) => None,
        })
    }

    /// Returns the `rolearn` or else `userarn` entries in force for a folded ARN, as indexes of [`Self::slots`].
    pub(super) fn own(&self, folded: &str) -> &[usize] {
        let found = self.roles.get(folded).or_else(|| self.users.get(folded));
        found.map_or(&[], Vec::as_slice)
    }

    /// Returns the entries in force for an identity, roles before users: none, one, or several of which the
    /// authenticator picks any. `subject` is the canonical ARN of the identity in lower case.
    pub(super) fn matching(&self, subject: &str, sso_gate: bool) -> Vec<&Slot<'d>> {
        let folded = fold(subject);
        let by_pattern = self.sso_roles.iter().filter(|&&number| {
            sso_gate
                && matches!(&self.slots[number].mapping.principal, Principal::Sso(sso) if sso::matches(sso, subject))
        });
        let mut found: Vec<usize> = by_pattern.copied().collect();
        // A pattern is a role, so users are not searched if one matches.
        if found.is_empty() {
            found.extend(self.own(&folded));
        } else {
            found.extend(self.roles.get(&folded).into_iter().flatten());
            found.sort_unstable();
        }
        found
            .into_iter()
            .map(|number| &self.slots[number])
            .collect()
    }

    /// Returns the entry that maps every identity of an account.
    pub(super) fn account(&self, account: &str) -> Option<&Slot<'d>> {
        self.accounts
            .get(account)
            .map(|&number| &self.slots[number])
    }
}

/// Returns the state of each entry in the store. `sizes` are the numbers of entries by section.
fn stored<'d>(
    entries: impl Iterator<Item = (Place, &'d Status)>,
    sizes: [usize; 3],
) -> Vec<Slot<'d>> {
    let mut slots: Vec<Slot<'d>> = Vec::with_capacity(sizes.iter().sum());
    let mut keys: [HashMap<Cow<'d, str>, usize>; 3] = sizes.map(HashMap::with_capacity);
    for (place, status) in entries {
        let (mapping, state) = match status {
            Status::Kept(mapping) => {
                let keys = &mut keys[place.section as usize];
                if let Some(earlier) = keys.insert(key(&mapping.principal), slots.len()) {
                    slots[earlier].state = EntryState::Shadowed { by: place };
                }
                (mapping, EntryState::Effective)
            }
            Status::Dropped { mapping, reason } => (mapping, EntryState::Ignored { reason }),
        };
        slots.push(Slot {
            place,
            mapping,
            state,
        });
    }
    // An entry that was replaced twice is shadowed by the last one.
    for number in 0..slots.len() {
        if let EntryState::Shadowed { .. } = slots[number].state {
            let keys = &keys[slots[number].place.section as usize];
            let by = slots[keys[&key(&slots[number].mapping.principal)]].place;
            slots[number].state = EntryState::Shadowed { by };
        }
    }
    slots
}

/// Returns the key of an entry in the store. Of two entries with the same key, the later one is used.
fn key(principal: &Principal) -> Cow<'_, str> {
    match principal {
        Principal::Role(arn) => to_lower(arn),
        Principal::Sso(sso) => Cow::Owned(sso::pattern(sso)),
        Principal::User(text) | Principal::Account(text) => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticator::test_documents::store;

    fn kept(principal: Principal) -> Status {
        Status::Kept(Mapping {
            principal,
            username: String::new(),
            groups: None,
        })
    }

    fn role(arn: &str) -> (SectionName, Status) {
        (SectionName::Roles, kept(Principal::Role(arn.to_owned())))
    }

    fn user(arn: &str) -> (SectionName, Status) {
        (SectionName::Users, kept(Principal::User(arn.to_owned())))
    }

    fn account(id: &str) -> (SectionName, Status) {
        (
            SectionName::Accounts,
            kept(Principal::Account(id.to_owned())),
        )
    }

    fn dropped() -> (SectionName, Status) {
        let (section, status) = role("");
        let Status::Kept(mapping) = status else {
            panic!("not kept")
        };
        (
            section,
            Status::Dropped {
                mapping,
                reason: "one of rolearn or SSO must be supplied".to_owned(),
            },
        )
    }

    /// Returns the state of each entry: `.` effective, `x` ignored, else the index of the entry that shadows it.
    fn states(entries: &[(SectionName, Status)]) -> String {
        let store = store(entries);
        let states = store.slots().iter().map(|slot| match slot.state {
            EntryState::Effective => ".".to_owned(),
            EntryState::Ignored { .. } => "x".to_owned(),
            EntryState::Shadowed { by } => by.index.to_string(),
        });
        states.collect()
    }

    #[test]
    fn later_role_with_the_same_key_replaces_the_earlier() {
        assert_eq!(
            states(&[role("a:Dev"), role("a:Ops"), role("A:DEV")]),
            "2.."
        );
        assert_eq!(states(&[role("a"), role("a"), role("a")]), "22.");
        assert_eq!(states(&[role("a"), dropped()]), ".x");
        assert_eq!(states(&[role("i"), role("İ")]), "1.", "both have the key i");
        assert_eq!(
            states(&[role("ops"), role("opſ")]),
            "..",
            "equal when folded, but stored under two keys"
        );
    }

    #[test]
    fn users_are_stored_as_written_and_roles_take_precedence() {
        assert_eq!(states(&[user("bob"), user("Bob"), user("bob")]), "2..");
        assert_eq!(states(&[user("bob"), user("Bob"), role("BOB")]), "22.");
        assert_eq!(states(&[account("1"), account("1"), account("2")]), "1..");
    }
}
