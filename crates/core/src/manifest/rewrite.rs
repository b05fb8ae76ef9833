//! Turns a change into splices.

use super::find_aws_auth::Place;
use crate::aws_auth_snapshot::OWNERS_ANNOTATION;
use goyaml::edit::block_scalar::BlockScalar;
use goyaml::edit::new_value::NewValue;
use goyaml::edit::scalar_style::Spelling;
use goyaml::edit::span_tree::{NodeId, Pair, Style, Tree};
use goyaml::edit::splice::Splice;
use goyaml::edit::{DEFAULT_STEP, Editor, Unwritable};

/// A manifest to change, and the position of aws-auth in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rewrite<'t> {
    text: &'t str,
    tree: &'t Tree,
    place: Place,
    spelling: Spelling,
}

impl<'t> Rewrite<'t> {
    pub(super) fn new(text: &'t str, tree: &'t Tree, place: Place) -> Self {
        Self {
            text,
            tree,
            place,
            spelling: of_data(text, tree, place.data),
        }
    }

    /// Changes the text of a key in `data` from `old` to `new`.
    pub(super) fn set(&self, pair: Pair, old: &str, new: &str) -> Result<Vec<Splice>, Unwritable> {
        let key = self.tree.scalar(pair.key).unwrap_or_default();
        let in_flow = self
            .place
            .data
            .is_some_and(|data| self.tree.is_flow(data.value));
        let spelling = if in_flow {
            Spelling::Double
        } else {
            self.spelling
        };
        self.set_scalar(pair, &format!("data.{key}"), old, new, spelling)
    }

    /// Adds keys to `data`.
    pub(super) fn add(&self, entries: &[(&str, &str)]) -> Result<Vec<Splice>, Unwritable> {
        let entries: Vec<_> = entries
            .iter()
            .map(|&(key, text)| (key, NewValue::Text(text)))
            .collect();
        let editor = self.editor(self.spelling);
        match self.place.data {
            Some(data) => editor.add(data.value, Some((data, self.place.object)), &entries),
            None => editor.add(self.place.object, None, &[("data", NewValue::Map(entries))]),
        }
    }

    /// Removes a key from `data`.
    pub(super) fn remove(&self, pair: Pair) -> Result<Vec<Splice>, Unwritable> {
        let Some(data) = self.place.data else {
            return Ok(Vec::new());
        };
        self.editor(self.spelling)
            .remove(data.value, pair, data.key)
    }

    /// Sets or removes the owners annotation.
    pub(super) fn annotate(&self, new: Option<&str>) -> Result<Vec<Splice>, Unwritable> {
        let annotations = self.place.annotations;
        let existing =
            annotations.and_then(|annotations| self.tree.get(annotations.value, OWNERS_ANNOTATION));
        let editor = self.editor(Spelling::Single);
        match (annotations, existing, new) {
            (_, None, None) | (None, Some(_), _) => Ok(Vec::new()),
            (Some(annotations), Some(pair), None) => {
                editor.remove(annotations.value, pair, annotations.key)
            }
            (Some(annotations), Some(pair), Some(new)) => {
                let old = if self.tree.is_null(pair.value) {
                    None
                } else {
                    self.tree.scalar(pair.value)
                };
                let in_flow = self.tree.is_flow(annotations.value);
                let spelling = if in_flow {
                    Spelling::Double
                } else {
                    Spelling::Single
                };
                let path = format!("metadata.annotations.{OWNERS_ANNOTATION}");
                self.set_scalar(pair, &path, old.unwrap_or_default(), new, spelling)
            }
            (Some(annotations), None, Some(new)) => editor.add(
                annotations.value,
                Some((annotations, self.place.metadata)),
                &[(OWNERS_ANNOTATION, NewValue::Text(new))],
            ),
            (None, None, Some(new)) => {
                let annotation = vec![(OWNERS_ANNOTATION, NewValue::Text(new))];
                editor.add(
                    self.place.metadata,
                    None,
                    &[("annotations", NewValue::Map(annotation))],
                )
            }
        }
    }

    fn set_scalar(
        &self,
        pair: Pair,
        path: &str,
        old: &str,
        new: &str,
        spelling: Spelling,
    ) -> Result<Vec<Splice>, Unwritable> {
        let column = self.tree.node(pair.key).column;
        let editor = self.editor(spelling);
        editor.set(pair.value, column, path, old, new)
    }

    fn editor(&self, spelling: Spelling) -> Editor<'t> {
        // The children of metadata show the indentation of the file.
        let column = |mapping: NodeId| {
            self.tree
                .pairs(mapping)
                .first()
                .map(|pair| self.tree.node(pair.key).column)
        };
        let step = match (column(self.place.object), column(self.place.metadata)) {
            (Some(outer), Some(inner))
                if inner > outer && !self.tree.is_flow(self.place.metadata) =>
            {
                inner - outer
            }
            _ => DEFAULT_STEP,
        };
        Editor {
            text: self.text,
            tree: self.tree,
            spelling,
            step,
            dash: 0,
        }
    }
}

/// Returns the style in which the values of `data` are written.
fn of_data(text: &str, tree: &Tree, data: Option<Pair>) -> Spelling {
    let mut spelling = Spelling::Literal {
        offset: DEFAULT_STEP,
    };
    for pair in data.map_or(&[][..], |data| tree.pairs(data.value)) {
        let node = tree.node(pair.value);
        match tree.style(pair.value) {
            Some(Style::Literal | Style::Folded) => {
                let block = BlockScalar::read(
                    text,
                    node.span.start,
                    tree.node(pair.key).column,
                    DEFAULT_STEP,
                );
                if let Some(offset) = block.offset() {
                    return Spelling::Literal { offset };
                }
            }
            Some(Style::Double) if node.span.len() > 2 => spelling = Spelling::Double,
            _ => {}
        }
    }
    spelling
}
