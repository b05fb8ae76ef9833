//! A change to splices.

use super::block::{Block, Misfit};
use super::error::ManifestError;
use super::find::Place;
use super::lines::{break_near, indent_below, line_at};
use super::pair::{New, Pairs};
use super::quoted::Quoted;
use super::spell::{double, fits_block, fits_single, literal, single};
use super::splice::Splice;
use super::tree::{Kind, NodeId, Pair, Style, Tree};
use crate::snapshot::OWNERS_ANNOTATION;

/// How a text is spelt where there is no style of its own to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// A literal block, this much further in than its key.
    Literal { offset: usize },
    /// Double quotes on one line.
    Double,
    /// Single quotes on one line where they can say it.
    Single,
}

impl Spelling {
    /// What stands behind the key, and the lines below it. `below` is the indent of what follows those.
    pub(super) fn spell(
        self,
        text: &str,
        column: usize,
        line_break: &str,
        below: usize,
    ) -> (String, String) {
        let block = match self {
            // A comment as deep as the block would become part of it.
            Self::Literal { offset } if fits_block(text) && below <= column + offset => {
                literal(text, column, offset, line_break)
            }
            _ => None,
        };
        match block {
            Some(block) => (block.header, block.body),
            None if self == Self::Single && fits_single(text) => (single(text), String::new()),
            None => (double(text), String::new()),
        }
    }

    /// As the texts of `data` are spelt.
    fn of_data(text: &str, tree: &Tree, data: Option<Pair>) -> Self {
        let mut spelling = Self::Literal {
            offset: DEFAULT_STEP,
        };
        for pair in data.map_or(&[][..], |data| tree.pairs(data.value)) {
            let node = tree.node(pair.value);
            match tree.style(pair.value) {
                Some(Style::Literal | Style::Folded) => {
                    let block = Block::read(
                        text,
                        node.span.start,
                        tree.node(pair.key).column,
                        DEFAULT_STEP,
                    );
                    if let Some(offset) = block.offset() {
                        return Self::Literal { offset };
                    }
                }
                Some(Style::Double) if node.span.len() > 2 => spelling = Self::Double,
                _ => {}
            }
        }
        spelling
    }
}

/// Columns from a key to what stands below it, where the file does not show its own.
const DEFAULT_STEP: usize = 2;

/// A manifest to be changed, and where in it aws-auth stands.
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
            spelling: Spelling::of_data(text, tree, place.data),
        }
    }

    /// Gives the value of a key in `data` another text; `old` is the one it has.
    pub(super) fn set(
        &self,
        pair: Pair,
        old: &str,
        new: &str,
    ) -> Result<Vec<Splice>, ManifestError> {
        let key = self.tree.scalar(pair.key).unwrap_or_default();
        let in_flow = self.place.data.is_some_and(|data| self.is_flow(data.value));
        let spelling = if in_flow {
            Spelling::Double
        } else {
            self.spelling
        };
        self.set_scalar(pair, &format!("data.{key}"), old, new, spelling)
    }

    /// Adds keys to `data`.
    pub(super) fn add(&self, entries: &[(&str, &str)]) -> Result<Vec<Splice>, ManifestError> {
        let entries: Vec<_> = entries
            .iter()
            .map(|&(key, text)| (key, New::Text(text)))
            .collect();
        let pairs = self.pairs(self.spelling);
        match self.place.data {
            Some(data) => pairs.add(data.value, Some((data, self.place.object)), &entries),
            None => pairs.add(self.place.object, None, &[("data", New::Map(entries))]),
        }
    }

    /// Takes a key out of `data`.
    pub(super) fn remove(&self, pair: Pair) -> Result<Vec<Splice>, ManifestError> {
        let Some(data) = self.place.data else {
            return Ok(Vec::new());
        };
        self.pairs(self.spelling).remove(data.value, pair, data.key)
    }

    /// Sets or removes the annotation that names the owners.
    pub(super) fn annotate(&self, new: Option<&str>) -> Result<Vec<Splice>, ManifestError> {
        let annotations = self.place.annotations;
        let existing =
            annotations.and_then(|annotations| self.tree.get(annotations.value, OWNERS_ANNOTATION));
        let pairs = self.pairs(Spelling::Single);
        match (annotations, existing, new) {
            (_, None, None) | (None, Some(_), _) => Ok(Vec::new()),
            (Some(annotations), Some(pair), None) => {
                pairs.remove(annotations.value, pair, annotations.key)
            }
            (Some(annotations), Some(pair), Some(new)) => {
                let old = if self.tree.is_null(pair.value) {
                    None
                } else {
                    self.tree.scalar(pair.value)
                };
                let in_flow = self.is_flow(annotations.value);
                let spelling = if in_flow {
                    Spelling::Double
                } else {
                    Spelling::Single
                };
                let path = format!("metadata.annotations.{OWNERS_ANNOTATION}");
                self.set_scalar(pair, &path, old.unwrap_or_default(), new, spelling)
            }
            (Some(annotations), None, Some(new)) => pairs.add(
                annotations.value,
                Some((annotations, self.place.metadata)),
                &[(OWNERS_ANNOTATION, New::Text(new))],
            ),
            (None, None, Some(new)) => {
                let annotation = vec![(OWNERS_ANNOTATION, New::Text(new))];
                pairs.add(
                    self.place.metadata,
                    None,
                    &[("annotations", New::Map(annotation))],
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
    ) -> Result<Vec<Splice>, ManifestError> {
        let node = self.tree.node(pair.value);
        let column = self.tree.node(pair.key).column;
        let offset = match spelling {
            Spelling::Literal { offset } => offset,
            _ => DEFAULT_STEP,
        };
        let unwritable = |reason, remedy| ManifestError::Unwritable {
            line: node.line,
            path: path.to_owned(),
            reason,
            remedy,
        };
        match self.tree.style(pair.value) {
            Some(Style::Literal | Style::Folded) => {
                let block = Block::read(self.text, node.span.start, column, offset);
                match block.rewrite(old, new) {
                    Ok(splices) => Ok(splices),
                    Err(Misfit::Text) => Ok(vec![
                        Splice::new(block.header.clone(), double(new)),
                        Splice::new(block.filled_lines(), ""),
                    ]),
                    Err(Misfit::Folded) => Err(unwritable(
                        "the `>` joins its lines",
                        "write `|` instead of `>`, and one line per line of the text",
                    )),
                    Err(Misfit::CarriageReturn) => Err(unwritable(
                        "some of its lines end in a lone carriage return",
                        "let every line end in a newline",
                    )),
                }
            }
            Some(style @ (Style::Double | Style::Single))
                if !old.is_empty() || spelling == Spelling::Double =>
            {
                let kept = Quoted::new(self.text, node.span.clone(), style, self.tree.json)
                    .rewrite(old, new);
                Ok(kept.unwrap_or_else(|| self.replace(pair, new, spelling)))
            }
            _ => Ok(self.replace(pair, new, spelling)),
        }
    }

    /// Spells a value anew.
    fn replace(&self, pair: Pair, new: &str, spelling: Spelling) -> Vec<Splice> {
        let span = self.tree.node(pair.value).span.clone();
        let column = self.tree.node(pair.key).column;
        let line_break = break_near(self.text, span.end);
        let below = indent_below(self.text, line_at(self.text, span.end).next);
        let (mut head, mut body) = spelling.spell(new, column, line_break, below);
        if self.text[..span.start].ends_with(':') && !self.tree.json {
            head.insert(0, ' ');
        }
        let mut splices = vec![Splice::new(span.clone(), head)];
        if !body.is_empty() {
            let line = line_at(self.text, span.end);
            if line.next == line.end {
                body.insert_str(0, line_break);
            }
            splices.push(Splice::insert(line.next, body));
        }
        splices
    }

    fn is_flow(&self, mapping: NodeId) -> bool {
        matches!(
            self.tree.node(mapping).kind,
            Kind::Mapping { flow: true, .. }
        )
    }

    fn pairs(&self, spelling: Spelling) -> Pairs<'t> {
        // The children of metadata show how far in the file goes.
        let column = |mapping: NodeId| {
            self.tree
                .pairs(mapping)
                .first()
                .map(|pair| self.tree.node(pair.key).column)
        };
        let step = match (column(self.place.object), column(self.place.metadata)) {
            (Some(outer), Some(inner)) if inner > outer && !self.is_flow(self.place.metadata) => {
                inner - outer
            }
            _ => DEFAULT_STEP,
        };
        Pairs {
            text: self.text,
            tree: self.tree,
            spelling,
            step,
        }
    }
}
