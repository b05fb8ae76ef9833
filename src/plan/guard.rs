//! What must not be written without being asked for by name.

use std::collections::HashMap;

use crate::arn::{equal_fold, fold};
use crate::document::{Document, Mapping, Principal};
use crate::effect::{Standing, Store};
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
    /// Node entries are not changed or removed, but for gaining groups.
    NodeEntry,
    /// Owners do not take each other's entries.
    Owner,
}

impl Guard {
    /// Its id, which never changes.
    pub const fn id(self) -> &'static str {
        match self {
            Self::NodeEntry => "WG08",
            Self::Owner => "WG13",
        }
    }

    /// Its name in one word.
    pub const fn reason(self) -> &'static str {
        match self {
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
    mapping.username.starts_with("system:node:")
        || has("system:bootstrappers") && has("system:nodes")
}

/// A refusal for each node entry in force that would be lost or say something else.
pub(super) fn node_entries(
    before: &Document,
    after: &Document,
    allowed: &[String],
) -> Vec<Refusal> {
    let (old, new) = (Store::new(before), Store::new(after));
    let mut left: HashMap<_, Vec<&Mapping>> = HashMap::new();
    for (arn, mapping) in in_force(&new) {
        left.entry(fold(arn)).or_default().push(mapping);
    }
    let is_allowed = |arn: &str| allowed.iter().any(|allowed| equal_fold(allowed, arn));
    let nodes = in_force(&old).filter(|(arn, mapping)| is_node(mapping) && !is_allowed(arn));
    nodes
        .filter_map(|(arn, mapping)| {
            let message = match left.get(&fold(arn)).map(Vec::as_slice) {
                None | Some([]) => format!("nodes sign in with {arn}; without its entry they would go NotReady"),
                Some(found) if found.iter().all(|found| keeps(mapping, found)) => return None,
                Some(_) => format!("nodes sign in with {arn}; with another username or fewer groups they would go NotReady"),
            };
            Some(Refusal { guard: Guard::NodeEntry, message, allow: format!("--allow-node-entry {arn}") })
        })
        .collect()
}

fn in_force<'s>(store: &'s Store<'_>) -> impl Iterator<Item = (&'s str, &'s Mapping)> {
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
