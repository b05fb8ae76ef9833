//! Finds the first difference between a file and the desired entries, and the change that removes it. Each step is
//! applied before the next one is computed, so that no two steps touch the same bytes.

use super::desired_content::{self, Desired, Fields};
use super::error::KubeconfigError;
use super::read::{is_text, named_items, wrong_kind};
use goyaml::edit::obstacle;
use goyaml::edit::scalar_style::Spelling;
use goyaml::edit::span_tree::{Kind, NodeId, Pair, Tree};
use goyaml::edit::splice::Splice;
use goyaml::edit::{DEFAULT_STEP, Editor};

/// One change of a file.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) splices: Vec<Splice>,
    pub(super) done: Done,
}

/// What a step changes.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// The keys and names from the root on.
    pub(super) path: Vec<String>,
    /// The old text.
    pub(super) before: Option<String>,
    /// Whether the value exists afterwards.
    pub(super) present: bool,
}

type Found = Result<Option<Step>, KubeconfigError>;

/// Returns the first step towards the desired fields; `None` if the file already has them.
pub(super) fn next_step(text: &str, tree: &Tree, desired: &Fields) -> Found {
    let mut updater = Updater {
        text,
        tree,
        path: Vec::new(),
    };
    let Some(&root) = tree.roots.first() else {
        return Ok(Some(updater.begin(text.len()..text.len(), desired)));
    };
    if tree.is_null(root) {
        return Ok(Some(updater.begin(tree.node(root).span.clone(), desired)));
    }
    updater.fields(root, None, desired)
}

struct Updater<'t> {
    text: &'t str,
    tree: &'t Tree,
    path: Vec<String>,
}

/// A pair and the mapping it belongs to.
type Within = Option<(Pair, NodeId)>;

impl<'t> Updater<'t> {
    /// Writes the whole file if it has no content yet.
    fn begin(&mut self, place: std::ops::Range<usize>, desired: &Fields) -> Step {
        let splice = self
            .editor(false)
            .document(place, &desired_content::fresh(desired));
        self.step(vec![splice], None, true)
    }

    fn fields(&mut self, mapping: NodeId, within: Within, fields: &Fields) -> Found {
        let path = self.path.join(".");
        obstacle::check_mapping(self.tree, mapping)
            .map_err(|obstacle| KubeconfigError::of(obstacle, &path, "a mapping"))?;
        for (key, desired) in fields {
            self.path.push((*key).to_owned());
            if let Some(step) = self.field(mapping, within, key, desired)? {
                return Ok(Some(step));
            }
            self.path.pop();
        }
        Ok(None)
    }

    fn field(
        &mut self,
        mapping: NodeId,
        within: Within,
        key: &'static str,
        desired: &Desired,
    ) -> Found {
        let outer = within.map_or(mapping, |(_, outer)| outer);
        let editor = self.editor(self.is_in_flow(mapping, outer));
        let pair = self.tree.get(mapping, key);
        if let Some(pair) = pair {
            self.direct(pair.value)?;
        }
        let filled = pair.filter(|pair| !self.tree.is_null(pair.value));
        let Some(filled) = filled else {
            let Some(new) = desired.fresh() else {
                return Ok(None);
            };
            let splices = match pair {
                Some(pair) => editor.fill(pair, mapping, &new),
                None => editor.add(mapping, within, &[(key, new)])?,
            };
            return Ok(Some(self.step(splices, None, true)));
        };
        match desired {
            Desired::Text(desired) => {
                let column = self.tree.node(filled.key).column;
                self.text(&editor, filled.value, column, desired)
            }
            Desired::Texts(desired) => self.texts(filled, mapping, desired),
            Desired::Fields(fields) => self.fields(filled.value, Some((filled, mapping)), fields),
            Desired::Item(name, fields) => self.item(filled, mapping, name, fields),
            Desired::NoItem(name) => self.no_item(filled, mapping, within, name),
            Desired::Absent { or } if self.tree.scalar(filled.value) == Some(or) => Ok(None),
            Desired::Absent { .. } => {
                let splices = self.remove(filled, mapping, within)?;
                Ok(Some(self.step(splices, None, false)))
            }
        }
    }

    fn text(&mut self, editor: &Editor<'_>, value: NodeId, column: usize, desired: &str) -> Found {
        let Some(old) = self.tree.scalar(value) else {
            return Err(wrong_kind(self.tree, value, &self.path.join("."), "text"));
        };
        if old == desired && is_text(self.tree, value) {
            return Ok(None);
        }
        let path = self.path.join(".");
        let splices = editor.set(value, column, &path, old, desired)?;
        Ok(Some(self.step(splices, Some(old.to_owned()), true)))
    }

    fn texts(&mut self, pair: Pair, mapping: NodeId, desired: &[String]) -> Found {
        let list = pair.value;
        if !matches!(self.tree.node(list).kind, Kind::Sequence { .. }) {
            return Err(wrong_kind(self.tree, list, &self.path.join("."), "a list"));
        }
        let items = self.tree.items(list);
        let column = self.tree.node(list).column;
        let editor = self.editor(self.is_in_flow(list, mapping));
        for (&item, desired) in items.iter().zip(desired) {
            self.direct(item)?;
            if let Some(step) = self.text(&editor, item, column, desired)? {
                return Ok(Some(step));
            }
        }
        let splices = if items.len() > desired.len() {
            let last = items.len() - 1;
            self.direct_below(items[last])?;
            editor.remove_item(list, last)?
        } else if let Some(next) = desired.get(items.len()) {
            editor.add_item(
                pair,
                mapping,
                &goyaml::edit::new_value::NewValue::Text(next),
            )?
        } else {
            return Ok(None);
        };
        Ok(Some(self.step(splices, None, true)))
    }

    fn item(&mut self, pair: Pair, mapping: NodeId, name: &str, fields: &Fields) -> Found {
        let items = named_items(self.tree, pair.value, &self.path.join("."))?;
        self.path.push(name.to_owned());
        let found = items.iter().find(|(_, other)| *other == name);
        let step = match found {
            Some(&(item, _)) => {
                self.direct(item)?;
                self.fields(item, Some((pair, mapping)), fields)?
            }
            None => {
                let editor = self.editor(self.is_in_flow(pair.value, mapping));
                let splices =
                    editor.add_item(pair, mapping, &desired_content::item(name, fields))?;
                Some(self.step(splices, None, true))
            }
        };
        if step.is_none() {
            self.path.pop();
        }
        Ok(step)
    }

    fn no_item(&mut self, pair: Pair, mapping: NodeId, within: Within, name: &str) -> Found {
        let items = named_items(self.tree, pair.value, &self.path.join("."))?;
        let Some(at) = items.iter().position(|(_, other)| *other == name) else {
            return Ok(None);
        };
        let splices = if items.len() == 1 {
            self.remove(pair, mapping, within)?
        } else {
            self.direct_below(items[at].0)?;
            let editor = self.editor(self.tree.is_flow(pair.value));
            editor.remove_item(pair.value, at)?
        };
        self.path.push(name.to_owned());
        Ok(Some(self.step(splices, None, false)))
    }

    /// Removes a pair from a mapping.
    fn remove(
        &self,
        pair: Pair,
        mapping: NodeId,
        within: Within,
    ) -> Result<Vec<Splice>, KubeconfigError> {
        self.direct_below(pair.value)?;
        let key = within.map_or(pair.key, |(within, _)| within.key);
        Ok(self
            .editor(self.tree.is_flow(mapping))
            .remove(mapping, pair, key)?)
    }

    fn direct(&self, id: NodeId) -> Result<(), KubeconfigError> {
        obstacle::check_node(self.tree, id)
            .map_err(|obstacle| KubeconfigError::of(obstacle, &self.path.join("."), ""))
    }

    /// Checks that a value to remove has no anchor, because an alias elsewhere may refer to it.
    fn direct_below(&self, id: NodeId) -> Result<(), KubeconfigError> {
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            self.direct(id)?;
            pending.extend(self.tree.items(id));
            let pairs = self.tree.pairs(id).iter();
            pending.extend(pairs.flat_map(|pair| [pair.key, pair.value]));
        }
        Ok(())
    }

    fn step(&mut self, splices: Vec<Splice>, before: Option<String>, present: bool) -> Step {
        Step {
            splices,
            done: Done {
                path: std::mem::take(&mut self.path),
                before,
                present,
            },
        }
    }

    /// Returns whether new items of a collection are written in brackets. Empty brackets are replaced with a block if the
    /// outer collection is one.
    fn is_in_flow(&self, id: NodeId, outer: NodeId) -> bool {
        let is_empty = self.tree.pairs(id).is_empty() && self.tree.items(id).is_empty();
        self.tree.is_flow(if is_empty { outer } else { id })
    }

    /// Returns an editor with the indentation that the lists and mappings below the root show.
    fn editor(&self, in_flow: bool) -> Editor<'t> {
        let tree = self.tree;
        let root = tree.roots.first().copied();
        let lists: Vec<&Pair> = root
            .map_or(&[][..], |root| tree.pairs(root))
            .iter()
            .filter(|pair| !tree.is_flow(pair.value) && !tree.items(pair.value).is_empty())
            .collect();
        let further_in = |pair: &Pair| {
            let column = |id: NodeId| tree.node(id).column;
            column(pair.value).checked_sub(column(pair.key))
        };
        let dash = lists.first().and_then(|pair| further_in(pair));
        let items = lists.iter().flat_map(|pair| tree.items(pair.value));
        let mut below = items
            .flat_map(|&item| tree.pairs(item))
            .filter(|pair| !tree.is_flow(pair.value) && !tree.pairs(pair.value).is_empty());
        let step = below.find_map(further_in);
        Editor {
            text: self.text,
            tree: self.tree,
            spelling: if in_flow {
                Spelling::Double
            } else {
                Spelling::Plain
            },
            step: step.unwrap_or(DEFAULT_STEP),
            dash: dash.unwrap_or(0),
        }
    }
}
