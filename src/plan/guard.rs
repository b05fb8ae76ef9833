//! What must not be written without being asked for by name.

use std::collections::{HashMap, HashSet};

use crate::arn::{equal_fold, fold};
use crate::document::{Document, Mapping, Principal};
use crate::effect::{AccessEntries, Standing, Store};
use crate::facts::access_entries::AccessTerms;
use crate::facts::groups::OF_NODES;
use crate::owners::Conflict;

/// Why a plan is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What stopped it.
    pub guard: Guard,
    /// What would have been lost for whom; a fragment.
    pub message: String,
    /// The flag that allows it.
    pub allow: String,
}

/// What looks after something that is easily lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// What counts for nothing is not written.
    Ignored,
    /// Node entries are not changed or removed, but for gaining groups.
    NodeEntry,
    /// Owners do not take each other's entries.
    Owner,
}

impl Guard {
    /// Its id, which never changes.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ignored => "WG03",
            Self::NodeEntry => "WG08",
            Self::Owner => "WG13",
        }
    }

    /// Its name in one word.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Ignored => "mode-ignores-aws-auth",
            Self::NodeEntry => "node-guard",
            Self::Owner => "other-owner",
        }
    }
}

impl Refusal {
    pub(super) fn of_conflict(conflict: &Conflict) -> Self {
        let Conflict { entry, holder, .. } = conflict;
        let section = entry.section.key();
        Self {
            guard: Guard::Owner,
            message: format!(
                "the entry at line {} of {section} belongs to owner {holder}",
                entry.line
            ),
            allow: "--take-over".to_owned(),
        }
    }
}

/// Whether nodes sign in through this mapping.
fn is_node(mapping: &Mapping) -> bool {
    let has = |name: &str| mapping.groups().iter().any(|group| group == name);
    mapping.username.starts_with("system:node:") || OF_NODES.into_iter().all(has)
}

/// Whether nodes sign in through an entry that is in force.
pub fn has_node_entry(document: &Document) -> bool {
    in_force(&Store::new(document)).any(|(_, mapping)| is_node(mapping))
}

/// The node entries in force that have to stay as they are.
pub(super) struct NodeEntries {
    /// Each by its folded ARN, with its ARN as written.
    entries: Vec<(String, String, Mapping)>,
}

impl NodeEntries {
    /// Those of a document, but for the allowed ones, and those whose nodes sign in with an access entry.
    pub(super) fn of(
        document: &Document,
        allowed: &[String],
        access_entries: Option<&AccessEntries>,
    ) -> Self {
        let is_allowed = |arn: &str| allowed.iter().any(|allowed| equal_fold(allowed, arn));
        let has_access_entry = |arn: &str| {
            let entry = access_entries.and_then(|entries| entries.of(arn));
            let terms = entry.and_then(|entry| entry.terms.as_ref());
            terms.is_some_and(AccessTerms::is_for_nodes)
        };
        let store = Store::new(document);
        let entries = in_force(&store)
            .filter(|(arn, mapping)| is_node(mapping) && !is_allowed(arn))
            .filter(|(arn, _)| !has_access_entry(arn))
            .map(|(arn, mapping)| (fold(arn).into_owned(), arn.to_owned(), mapping.clone()))
            .collect();
        Self { entries }
    }

    /// A refusal for each that `after` has lost, or that says something else there.
    pub(super) fn lost_in(&self, after: &Document) -> Vec<Refusal> {
        let store = Store::new(after);
        let wanted: HashSet<&str> = self.entries.iter().map(|(key, ..)| key.as_str()).collect();
        let mut left: HashMap<&str, Vec<&Mapping>> = HashMap::new();
        for (arn, mapping) in in_force(&store) {
            if let Some(key) = wanted.get(&*fold(arn)) {
                left.entry(key).or_default().push(mapping);
            }
        }
        let refusals = self.entries.iter().filter_map(|(key, arn, mapping)| {
            let loss = match left.get(key.as_str()) {
                None => "without its entry",
                Some(found) if found.iter().all(|found| keeps(mapping, found)) => return None,
                Some(_) => "with another username or fewer groups",
            };
            Some(Refusal {
                guard: Guard::NodeEntry,
                message: format!("nodes sign in with {arn}; {loss} they would go NotReady"),
                allow: format!("--allow-node-entry {arn}"),
            })
        });
        refusals.collect()
    }
}

fn in_force<'d>(store: &Store<'d>) -> impl Iterator<Item = (&'d str, &'d Mapping)> {
    store
        .slots()
        .iter()
        .filter(|slot| slot.standing == Standing::Effective)
        .filter_map(|slot| match &slot.mapping.principal {
            Principal::Role(arn) | Principal::User(arn) => Some((arn.as_str(), slot.mapping)),
            _ => None,
        })
}

/// Whether a node could not tell the difference: the same username, and at least the same groups.
fn keeps(before: &Mapping, after: &Mapping) -> bool {
    before.username == after.username
        && before
            .groups()
            .iter()
            .all(|group| after.groups().contains(group))
}
