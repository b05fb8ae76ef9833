//! The first thing in which a file is not as wanted, and how to mend it. Each step is done before the next is looked for,
//! so that no two touch the same bytes.

use super::error::KubeconfigError;
use super::read::{is_text, named_items, wrong_kind};
use super::want::{self, Fields, Want};
use crate::written::direct;
use crate::written::spell::Spelling;
use crate::written::splice::Splice;
use crate::written::tree::{Kind, NodeId, Pair, Tree};
use crate::written::{DEFAULT_STEP, Editor};

/// One change of a file.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) splices: Vec<Splice>,
    pub(super) done: Done,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// Keys and names from the root on.
    pub(super) path: Vec<String>,
    /// The text that was there.
    pub(super) before: Option<String>,
    /// Whether something is there afterwards.
    pub(super) present: bool,
}

type Found = Result<Option<Step>, KubeconfigError>;

/// The first step towards what is wanted; `None` when all is so.
pub(super) fn next_step(text: &str, tree: &Tree, wanted: &Fields) -> Found {
    let mut mender = Mender {
        text,
        tree,
        path: Vec::new(),
    };
    let Some(&root) = tree.roots.first() else {
        return Ok(Some(mender.begin(text.len()..text.len(), wanted)));
    };
    if tree.is_null(root) {
        return Ok(Some(mender.begin(tree.node(root).span.clone(), wanted)));
    }
    mender.fields(root, None, wanted)
}

struct Mender<'t> {
    text: &'t str,
    tree: &'t Tree,
    path: Vec<String>,
}

/// A pair and the mapping it belongs to.
type Within = Option<(Pair, NodeId)>;

impl<'t> Mender<'t> {
    /// The whole of a file that says nothing yet.
    fn begin(&mut self, place: std::ops::Range<usize>, wanted: &Fields) -> Step {
        let splice = self.editor(false).document(place, &want::fresh(wanted));
        self.step(vec![splice], None, true)
    }

    fn fields(&mut self, mapping: NodeId, within: Within, fields: &Fields) -> Found {
        let path = self.path.join(".");
        direct::mapping(self.tree, mapping)
            .map_err(|obstacle| KubeconfigError::of(obstacle, &path, "a mapping"))?;
        for (key, want) in fields {
            self.path.push((*key).to_owned());
            if let Some(step) = self.field(mapping, within, key, want)? {
                return Ok(Some(step));
            }
            self.path.pop();
        }
        Ok(None)
    }

    fn field(&mut self, mapping: NodeId, within: Within, key: &'static str, want: &Want) -> Found {
        let outer = within.map_or(mapping, |(_, outer)| outer);
        let editor = self.editor(self.is_in_flow(mapping, outer));
        let pair = self.tree.get(mapping, key);
        if let Some(pair) = pair {
            self.direct(pair.value)?;
        }
        let filled = pair.filter(|pair| !self.tree.is_null(pair.value));
        let Some(filled) = filled else {
            let Some(new) = want.fresh() else {
                return Ok(None);
            };
            let splices = match pair {
                Some(pair) => editor.fill(pair, mapping, &new),
                None => editor.add(mapping, within, &[(key, new)])?,
            };
            return Ok(Some(self.step(splices, None, true)));
        };
        match want {
            Want::Text(wanted) => {
                let column = self.tree.node(filled.key).column;
                self.text(&editor, filled.value, column, wanted)
            }
            Want::Texts(wanted) => self.texts(filled, mapping, wanted),
            Want::Fields(fields) => self.fields(filled.value, Some((filled, mapping)), fields),
            Want::Item(name, fields) => self.item(filled, mapping, name, fields),
            Want::NoItem(name) => self.no_item(filled, mapping, within, name),
            Want::Absent { or } if self.tree.scalar(filled.value) == Some(or) => Ok(None),
            Want::Absent { .. } => {
                let splices = self.take_out(filled, mapping, within)?;
                Ok(Some(self.step(splices, None, false)))
            }
        }
    }

    fn text(&mut self, editor: &Editor<'_>, value: NodeId, column: usize, wanted: &str) -> Found {
        let Some(old) = self.tree.scalar(value) else {
            return Err(wrong_kind(self.tree, value, &self.path.join("."), "text"));
        };
        if old == wanted && is_text(self.tree, value) {
            return Ok(None);
        }
        let path = self.path.join(".");
        let splices = editor.set(value, column, &path, old, wanted)?;
        Ok(Some(self.step(splices, Some(old.to_owned()), true)))
    }

    fn texts(&mut self, pair: Pair, mapping: NodeId, wanted: &[String]) -> Found {
        let list = pair.value;
        if !matches!(self.tree.node(list).kind, Kind::Sequence { .. }) {
            return Err(wrong_kind(self.tree, list, &self.path.join("."), "a list"));
        }
        let items = self.tree.items(list);
        let column = self.tree.node(list).column;
        let editor = self.editor(self.is_in_flow(list, mapping));
        for (&item, wanted) in items.iter().zip(wanted) {
            self.direct(item)?;
            if let Some(step) = self.text(&editor, item, column, wanted)? {
                return Ok(Some(step));
            }
        }
        let splices = if items.len() > wanted.len() {
            let last = items.len() - 1;
            self.direct_below(items[last])?;
            editor.remove_item(list, last)?
        } else if let Some(next) = wanted.get(items.len()) {
            editor.add_item(pair, mapping, &crate::written::new::New::Text(next))?
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
                let splices = editor.add_item(pair, mapping, &want::item(name, fields))?;
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
            self.take_out(pair, mapping, within)?
        } else {
            self.direct_below(items[at].0)?;
            let editor = self.editor(self.tree.is_flow(pair.value));
            editor.remove_item(pair.value, at)?
        };
        self.path.push(name.to_owned());
        Ok(Some(self.step(splices, None, false)))
    }

    /// Takes a pair out of a mapping.
    fn take_out(
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
        direct::node(self.tree, id)
            .map_err(|obstacle| KubeconfigError::of(obstacle, &self.path.join("."), ""))
    }

    /// What goes may hold no anchor that something else stands for.
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

    /// Whether what is added to a collection stands in brackets. Empty ones give way to a block if they may.
    fn is_in_flow(&self, id: NodeId, outer: NodeId) -> bool {
        let is_empty = self.tree.pairs(id).is_empty() && self.tree.items(id).is_empty();
        self.tree.is_flow(if is_empty { outer } else { id })
    }

    /// Writes as the file does: what stands below the root shows how far in lists stand and how far mappings.
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
