//! Finds the entries of a principal.

use std::collections::HashMap;

use crate::arn::{equal_fold, fold, to_lower};
use crate::document::Principal;

/// The slots of entries, by the key under which the authenticator stores them and by the key with which it looks them up.
///
/// The two keys are nearly always the same. But the authenticator stores users as written and compares them without regard to
/// letter case, so users that differ only in case are all in force. The same holds for roles that differ only by letters such as
/// `ſ` and `s`.
#[derive(Default)]
pub(super) struct PrincipalIndex {
    /// The slots of each store key, in order.
    stored: Vec<Vec<usize>>,
    keys: HashMap<String, usize>,
    /// The positions in `stored` for each key that principals are compared by.
    found: HashMap<String, Vec<usize>>,
}

impl PrincipalIndex {
    pub(super) fn with_capacity(size: usize) -> Self {
        Self {
            stored: Vec::with_capacity(size),
            keys: HashMap::with_capacity(size),
            found: HashMap::with_capacity(size),
        }
    }

    /// Adds a slot. It must be higher than all earlier ones.
    pub(super) fn push(&mut self, principal: &Principal, slot: usize) {
        let next = self.stored.len();
        let at = *self.keys.entry(store_key(principal)).or_insert(next);
        if at < next {
            self.stored[at].push(slot);
        } else {
            self.stored.push(vec![slot]);
            self.found
                .entry(lookup_key(principal))
                .or_default()
                .push(at);
        }
    }

    /// Removes slots of the principal, so that later edits do not visit them.
    pub(super) fn retain(&mut self, principal: &Principal, is_kept: impl Fn(usize) -> bool) {
        for &place in self.found.get(&lookup_key(principal)).into_iter().flatten() {
            self.stored[place].retain(|slot| is_kept(*slot));
        }
    }

    /// Returns the slots of entries that may be this principal, one slice for each store key.
    pub(super) fn of(&self, principal: &Principal) -> impl Iterator<Item = &[usize]> {
        let places = self.found.get(&lookup_key(principal));
        places
            .into_iter()
            .flatten()
            .map(|&place| self.stored[place].as_slice())
    }
}

/// Returns whether the authenticator treats both as the same principal.
pub(super) fn is_same(a: &Principal, b: &Principal) -> bool {
    match (a, b) {
        (Principal::Role(a), Principal::Role(b)) | (Principal::User(a), Principal::User(b)) => {
            equal_fold(a, b)
        }
        _ => store_key(a) == store_key(b),
    }
}

/// Returns a key that is the same for principals that match the same caller or replace each other in the store.
fn lookup_key(principal: &Principal) -> String {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => fold(&to_lower(arn)).into_owned(),
        other => store_key(other),
    }
}

/// Returns the key that the authenticator stores an entry under. Of two entries with the same key, the later one wins.
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
