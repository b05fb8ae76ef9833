//! Which entries a principal names.

use std::collections::HashMap;

use crate::arn::{equal_fold, fold, to_lower};
use crate::document::Principal;

/// The slots of entries, by what the authenticator stores them by and by what it finds them by.
///
/// Nearly always that is the same. But it stores users as written and compares them in any letter case, so that those
/// that differ in case are all in force; and of roles that differ by letters such as `ſ` and `s` it is so too.
#[derive(Default)]
pub(super) struct Index {
    /// For each key of its store, the slots in order.
    stored: Vec<Vec<usize>>,
    keys: HashMap<String, usize>,
    /// For each text that principals are compared by, places in `stored`.
    found: HashMap<String, Vec<usize>>,
}

impl Index {
    pub(super) fn with_capacity(size: usize) -> Self {
        Self {
            stored: Vec::with_capacity(size),
            keys: HashMap::with_capacity(size),
            found: HashMap::with_capacity(size),
        }
    }

    /// Adds a slot, higher than any before.
    pub(super) fn push(&mut self, principal: &Principal, slot: usize) {
        let next = self.stored.len();
        let at = *self.keys.entry(store_key(principal)).or_insert(next);
        if at < next {
            self.stored[at].push(slot);
        } else {
            self.stored.push(vec![slot]);
            self.found.entry(class(principal)).or_default().push(at);
        }
    }

    /// Forgets slots of the principal, so that nobody goes through them again and again.
    pub(super) fn retain(&mut self, principal: &Principal, stays: impl Fn(usize) -> bool) {
        for &place in self.found.get(&class(principal)).into_iter().flatten() {
            self.stored[place].retain(|slot| stays(*slot));
        }
    }

    /// The slots of all that might be this principal, those of each key of the store for themselves.
    pub(super) fn of(&self, principal: &Principal) -> impl Iterator<Item = &[usize]> {
        let places = self.found.get(&class(principal));
        places
            .into_iter()
            .flatten()
            .map(|&place| self.stored[place].as_slice())
    }
}

/// Whether the authenticator takes them for the same.
pub(super) fn is_same(a: &Principal, b: &Principal) -> bool {
    match (a, b) {
        (Principal::Role(a), Principal::Role(b)) | (Principal::User(a), Principal::User(b)) => {
            equal_fold(a, b)
        }
        _ => store_key(a) == store_key(b),
    }
}

/// What principals share that are the same, or that replace each other in the store.
fn class(principal: &Principal) -> String {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => fold(&to_lower(arn)).into_owned(),
        other => store_key(other),
    }
}

/// What the authenticator stores an entry by: of two with the same key the later one counts.
fn store_key(principal: &Principal) -> String {
    match principal {
        Principal::Role(arn) => to_lower(arn).into_owned(),
        Principal::User(text) | Principal::Account(text) => text.clone(),
        Principal::Sso(sso) => {
            let (name, account) = (&sso.permission_set_name, &sso.account_id);
            format!("{}\n{account}\n{name}", sso.partition).to_ascii_lowercase()
        }
    }
}
