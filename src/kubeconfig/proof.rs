//! Makes sure that a file says what it said before, and the wanted entries.

use std::collections::HashMap;

use super::mend;
use super::read::is_text;
use super::want::{Fields, NAME, Want};
use crate::written::tree::{Compare, NodeId, Tree};

/// Compares a file with what became of it, `new` being what `text` says: everything that was not asked for must be the same, in the same order, and
/// everything that was asked for must be so. `Err` says what is not.
pub(super) fn prove(old: &Tree, text: &str, new: &Tree, wanted: &Fields) -> Result<(), String> {
    match mend::next_step(text, new, wanted) {
        Ok(None) => {}
        Ok(Some(step)) => return Err(format!("{} is not as wanted", step.done.path.join("."))),
        Err(error) => return Err(error.to_string()),
    }
    let [root] = new.roots[..] else {
        return Err("it is not one document".to_owned());
    };
    let mut twins = Twins {
        old,
        new,
        compared: HashMap::new(),
    };
    let same = match old.roots.first() {
        Some(&before) if !old.is_null(before) => {
            twins.fields(before, root, wanted)
                && old.same(before, new, root, |left, right| {
                    match twins.compared.get(&(left, right)) {
                        Some(inside) => Compare::Only(inside.clone()),
                        None => Compare::All,
                    }
                })
        }
        _ => twins.is_fresh(root, &Want::Fields(wanted.clone())),
    };
    if same {
        Ok(())
    } else {
        Err("something besides the wanted entries would change".to_owned())
    }
}

struct Twins<'t> {
    old: &'t Tree,
    new: &'t Tree,
    /// Of the nodes that were to change: the nodes inside that were not.
    compared: HashMap<(NodeId, NodeId), Vec<(NodeId, NodeId)>>,
}

impl Twins<'_> {
    /// Notes what of a mapping must be the same. `false` when something came or went that was not asked for.
    fn fields(&mut self, old: NodeId, new: NodeId, fields: &Fields) -> bool {
        let is_asked = |key: Option<&str>| fields.iter().any(|(asked, _)| Some(*asked) == key);
        let others = |tree: &Tree, id: NodeId| -> Vec<NodeId> {
            let pairs = tree.pairs(id).iter();
            pairs
                .filter(|pair| !is_asked(tree.scalar(pair.key)))
                .flat_map(|pair| [pair.key, pair.value])
                .collect()
        };
        let (left, right) = (others(self.old, old), others(self.new, new));
        if left.len() != right.len() {
            return false;
        }
        let mut inside: Vec<_> = left.into_iter().zip(right).collect();
        for (key, want) in fields {
            let before = self.old.get(old, key).map(|pair| pair.value);
            let after = self.new.get(new, key).map(|pair| pair.value);
            let before = before.filter(|&id| !self.old.is_null(id));
            let fine = match (before, after) {
                (_, None) => matches!(want, Want::Absent { .. } | Want::NoItem(_)),
                (None, Some(after)) if self.new.is_null(after) => true,
                (None, Some(after)) => self.is_fresh(after, want),
                (Some(before), Some(after)) => match want {
                    // That these are as wanted has been seen, and they have nothing else in them.
                    Want::Text(_) | Want::Texts(_) => true,
                    Want::Absent { .. } => {
                        inside.push((before, after));
                        true
                    }
                    Want::Fields(fields) => {
                        inside.push((before, after));
                        self.fields(before, after, fields)
                    }
                    Want::Item(name, fields) => {
                        inside.push((before, after));
                        self.items(before, after, name, Some(fields))
                    }
                    Want::NoItem(name) => {
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

    /// The same of a list with named items, of which one was to change or to go.
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

    /// Whether a value that was not there before says what was wanted and nothing more.
    fn is_fresh(&self, id: NodeId, want: &Want) -> bool {
        let says =
            |id: NodeId, text: &str| self.new.scalar(id) == Some(text) && is_text(self.new, id);
        match want {
            Want::Text(text) => says(id, text),
            Want::Texts(texts) => {
                let items = self.new.items(id);
                items.len() == texts.len()
                    && items
                        .iter()
                        .zip(texts)
                        .all(|(&item, text)| says(item, text))
            }
            Want::Fields(fields) => self.has_just(id, fields, 0),
            Want::Item(name, fields) => match self.new.items(id) {
                [item] => self.is_fresh_item(*item, name, fields),
                _ => false,
            },
            Want::NoItem(_) | Want::Absent { .. } => false,
        }
    }

    fn is_fresh_item(&self, id: NodeId, name: &str, fields: &Fields) -> bool {
        let named = self.new.get(id, NAME).map(|pair| pair.value);
        named.is_some_and(|named| self.is_fresh(named, &Want::Text(name.to_owned())))
            && self.has_just(id, fields, 1)
    }

    /// Whether a mapping has the wanted fields and so many others.
    fn has_just(&self, id: NodeId, fields: &Fields, others: usize) -> bool {
        let wanted = fields.iter().filter(|(_, want)| want.fresh().is_some());
        self.new.pairs(id).len() == wanted.clone().count() + others
            && wanted.clone().all(|(key, want)| {
                let pair = self.new.get(id, key);
                pair.is_some_and(|pair| self.is_fresh(pair.value, want))
            })
    }
}
