//! Verifies that an updated file has its old content and the desired entries.

use std::collections::HashMap;

use super::desired_content::{Desired, Fields, NAME};
use super::read::is_text;
use super::update;
use goyaml::edit::span_tree::{Compare, NodeId, Tree};

/// Compares a file before and after an update; `new` is the tree of `text`. Everything that was not requested must be the
/// same, in the same order, and everything that was requested must be there.
///
/// # Errors
/// What differs.
pub(super) fn verify(old: &Tree, text: &str, new: &Tree, desired: &Fields) -> Result<(), String> {
    match update::next_step(text, new, desired) {
        Ok(None) => {}
        Ok(Some(step)) => return Err(format!("{} is not as requested", step.done.path.join("."))),
        Err(error) => return Err(error.to_string()),
    }
    let [root] = new.roots[..] else {
        return Err("it is not one document".to_owned());
    };
    let mut comparison = Comparison {
        old,
        new,
        compared: HashMap::new(),
    };
    let same = match old.roots.first() {
        Some(&before) if !old.is_null(before) => {
            comparison.fields(before, root, desired)
                && old.same(before, new, root, |left, right| {
                    match comparison.compared.get(&(left, right)) {
                        Some(inside) => Compare::Only(inside.clone()),
                        None => Compare::All,
                    }
                })
        }
        _ => comparison.is_fresh(root, &Desired::Fields(desired.clone())),
    };
    if same {
        Ok(())
    } else {
        Err("something other than the requested entries would change".to_owned())
    }
}

struct Comparison<'t> {
    old: &'t Tree,
    new: &'t Tree,
    /// For each pair of nodes that was to change, the pairs of nodes inside it that must be the same.
    compared: HashMap<(NodeId, NodeId), Vec<(NodeId, NodeId)>>,
}

impl Comparison<'_> {
    /// Records what in a mapping must be the same. Returns `false` if something was added or removed that was not requested.
    fn fields(&mut self, old: NodeId, new: NodeId, fields: &Fields) -> bool {
        let is_requested =
            |key: Option<&str>| fields.iter().any(|(requested, _)| Some(*requested) == key);
        let others = |tree: &Tree, id: NodeId| -> Vec<NodeId> {
            let pairs = tree.pairs(id).iter();
            pairs
                .filter(|pair| !is_requested(tree.scalar(pair.key)))
                .flat_map(|pair| [pair.key, pair.value])
                .collect()
        };
        let (left, right) = (others(self.old, old), others(self.new, new));
        if left.len() != right.len() {
            return false;
        }
        let mut inside: Vec<_> = left.into_iter().zip(right).collect();
        for (key, desired) in fields {
            let before = self.old.get(old, key).map(|pair| pair.value);
            let after = self.new.get(new, key).map(|pair| pair.value);
            let before = before.filter(|&id| !self.old.is_null(id));
            let fine = match (before, after) {
                (_, None) => matches!(desired, Desired::Absent { .. } | Desired::NoItem(_)),
                (None, Some(after)) if self.new.is_null(after) => true,
                (None, Some(after)) => self.is_fresh(after, desired),
                (Some(before), Some(after)) => match desired {
                    // These are already checked and contain nothing else.
                    Desired::Text(_) | Desired::Texts(_) => true,
                    Desired::Absent { .. } => {
                        inside.push((before, after));
                        true
                    }
                    Desired::Fields(fields) => {
                        inside.push((before, after));
                        self.fields(before, after, fields)
                    }
                    Desired::Item(name, fields) => {
                        inside.push((before, after));
                        self.items(before, after, name, Some(fields))
                    }
                    Desired::NoItem(name) => {
                        inside.push((before, after));
                        self.items(before, after, name, None)
                    }
                },
            };
            if !fine {
                return false;
            }
        }
        self.compared.insert((old, new), inside);
        true
    }

    /// Does the same for a list with named items, of which one was to change or to be removed.
    fn items(&mut self, old: NodeId, new: NodeId, name: &str, fields: Option<&Fields>) -> bool {
        let split = |tree: &Tree, list: NodeId| -> (Option<NodeId>, Vec<NodeId>) {
            let is_named = |item: &NodeId| {
                tree.get(*item, NAME)
                    .and_then(|pair| tree.scalar(pair.value))
                    == Some(name)
            };
            let items = tree.items(list).iter().copied();
            let (named, others): (Vec<_>, Vec<_>) = items.partition(is_named);
            (named.first().copied(), others)
        };
        let (before, left) = split(self.old, old);
        let (after, right) = split(self.new, new);
        if left.len() != right.len() {
            return false;
        }
        let mut inside: Vec<_> = left.into_iter().zip(right).collect();
        let fine = match (before, after, fields) {
            (Some(before), Some(after), Some(fields)) => {
                inside.push((before, after));
                self.fields(before, after, fields)
            }
            (None, Some(after), Some(fields)) => self.is_fresh_item(after, name, fields),
            (_, None, None) => true,
            _ => false,
        };
        self.compared.insert((old, new), inside);
        fine
    }

    /// Returns whether a new value is exactly the desired one.
    fn is_fresh(&self, id: NodeId, desired: &Desired) -> bool {
        let is_scalar =
            |id: NodeId, text: &str| self.new.scalar(id) == Some(text) && is_text(self.new, id);
        match desired {
            Desired::Text(text) => is_scalar(id, text),
            Desired::Texts(texts) => {
                let items = self.new.items(id);
                items.len() == texts.len()
                    && items
                        .iter()
                        .zip(texts)
                        .all(|(&item, text)| is_scalar(item, text))
            }
            Desired::Fields(fields) => self.has_just(id, fields, 0),
            Desired::Item(name, fields) => match self.new.items(id) {
                [item] => self.is_fresh_item(*item, name, fields),
                _ => false,
            },
            Desired::NoItem(_) | Desired::Absent { .. } => false,
        }
    }

    fn is_fresh_item(&self, id: NodeId, name: &str, fields: &Fields) -> bool {
        let named = self.new.get(id, NAME).map(|pair| pair.value);
        named.is_some_and(|named| self.is_fresh(named, &Desired::Text(name.to_owned())))
            && self.has_just(id, fields, 1)
    }

    /// Returns whether a mapping has the desired fields and this number of others.
    fn has_just(&self, id: NodeId, fields: &Fields, others: usize) -> bool {
        let desired = fields
            .iter()
            .filter(|(_, desired)| desired.fresh().is_some());
        self.new.pairs(id).len() == desired.clone().count() + others
            && desired.clone().all(|(key, desired)| {
                let pair = self.new.get(id, key);
                pair.is_some_and(|pair| self.is_fresh(pair.value, desired))
            })
    }
}
