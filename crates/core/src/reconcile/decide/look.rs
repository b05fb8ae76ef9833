//! The indexed input of a decision.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::object::{DeletionPolicy, Object, ObjectKind, Reason, Recorded};
use super::super::types::View;
use super::batch::Refused;
use super::current_entries::{Records, Stands};
use super::desired::{self, Key};
use crate::document::Document;

/// All input, and what guards have refused so far.
pub(super) struct Look<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) stands: Stands<'a>,
    pub(super) records: Records<'a>,
    /// The indexes of the objects, oldest first.
    pub(super) order: Vec<usize>,
    /// The normalized request of each object, or why it cannot be met.
    pub(super) wishes: Vec<Result<Recorded, String>>,
    /// The owner of each ARN or account.
    winners: HashMap<String, usize>,
    pub(super) refused: HashMap<usize, Refused>,
    /// Whether plans still include unrecorded changes.
    pub(super) tries_unrecorded: bool,
}

impl<'a> Look<'a> {
    pub(super) fn of(view: &'a View<'a>, document: &'a Document) -> Self {
        let objects = view.objects;
        let mut order: Vec<usize> = (0..objects.len()).collect();
        order.sort_by_cached_key(|&at| {
            let Object {
                created,
                name,
                uid,
                kind,
                ..
            } = &objects[at];
            (*created, name.clone(), uid.clone(), *kind)
        });
        let mut look = Self {
            view,
            stands: Stands::of(document),
            records: Records::of(objects),
            order,
            wishes: objects.iter().map(|object| wish_of(view, object)).collect(),
            winners: HashMap::new(),
            refused: HashMap::new(),
            tries_unrecorded: true,
        };
        look.settle_claims(&HashSet::new());
        look
    }

    /// Returns the owner of an ARN: the oldest object that requests it and is allowed to have it.
    fn settle_claims(&mut self, without: &HashSet<usize>) {
        self.winners.clear();
        for &at in &self.order {
            let is_claimant = !self.view.objects[at].is_deleting && !without.contains(&at);
            if let (true, Ok(wish)) = (is_claimant, &self.wishes[at]) {
                self.winners.entry(wish.claim()).or_insert(at);
            }
        }
    }

    /// Continues without these objects; with `give_way`, younger objects can have what these cannot.
    pub(super) fn refuse(&mut self, refused: &HashMap<usize, Refused>, give_way: bool) {
        self.refused.clone_from(refused);
        if give_way {
            self.settle_claims(&refused.keys().copied().collect());
        }
    }

    /// Returns the owner of an ARN or account.
    pub(super) fn winner(&self, claim: &str) -> Option<usize> {
        self.winners.get(claim).copied()
    }

    /// Returns whether an object wrote this entry or requests it.
    pub(super) fn speaks_of(&self, key: &Key) -> bool {
        self.records.name(key)
            || (self.winners.contains_key(&key.1) && self.protected_from(key).is_none())
    }

    /// Returns the previous protected entry of this key if the current owner requests different content.
    pub(super) fn protected_from(&self, key: &Key) -> Option<&'a Recorded> {
        let protected = &self.view.memory.protected.get(&key.1)?.entry;
        let winner = *self.winners.get(&key.1)?;
        let is_asked = |wish: &Recorded| wish.is_same(protected);
        let is_theirs = self.records.name(key) || self.wishes[winner].as_ref().is_ok_and(is_asked);
        (!is_theirs).then_some(protected)
    }

    pub(super) fn object(&self, at: usize) -> &'a Object {
        &self.view.objects[at]
    }

    /// Returns the latest record of each of its entries.
    pub(super) fn recorded(&self, at: usize) -> Vec<&'a Recorded> {
        let status = &self.object(at).status;
        let latest = status.pending.iter().rev().chain(&status.entry);
        let mut seen = BTreeSet::new();
        latest
            .filter(|recorded| seen.insert(recorded.key()))
            .collect()
    }

    /// Returns whether the object still needs its finalizer.
    pub(super) fn lacks_finalizer(&self, at: usize) -> bool {
        let object = self.object(at);
        let spec = object.spec.as_ref();
        object.kind == ObjectKind::AwsAuthMapping
            && !object.has_finalizer
            && !object.is_deleting
            && spec.is_ok_and(|spec| spec.deletion == DeletionPolicy::Delete)
    }

    /// Returns whether the requested entry is recorded as pending.
    pub(super) fn is_recorded(&self, at: usize, wish: &Recorded) -> bool {
        let status = &self.object(at).status;
        let mut recorded = status.entry.iter().chain(&status.pending);
        recorded.any(|recorded| recorded.is_same(wish))
    }
}

/// Returns the requested entry, if the object may have it.
fn wish_of(view: &View<'_>, object: &Object) -> Result<Recorded, String> {
    let spec = object
        .spec
        .as_ref()
        .map_err(|why| format!("its spec can't be read: {why}"))?;
    let wish = desired::of(spec)?;
    let username = spec.username.as_deref();
    view.config
        .approve(&wish.principal(), username, &wish.groups)?;
    Ok(wish)
}

impl Refused {
    /// The reason of conditions.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::ByGuard(..) | Self::Unwritable(_) => Reason::Refused,
            Self::Unreadable(_) => Reason::Unreadable,
        }
    }

    /// Its message.
    pub(super) fn message(&self) -> String {
        match self {
            Self::ByGuard(guard, message) => format!("guard {}: {message}", guard.reason()),
            Self::Unwritable(message) | Self::Unreadable(message) => message.clone(),
        }
    }

    /// The guard that refuses it.
    pub(super) fn guard(&self) -> Option<crate::plan::Guard> {
        match self {
            Self::ByGuard(guard, _) => Some(*guard),
            Self::Unwritable(_) | Self::Unreadable(_) => None,
        }
    }
}
