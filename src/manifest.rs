//! A file that holds the aws-auth ConfigMap, among other documents or alone: YAML or JSON, text in and text out.

mod amiss;
mod bars;
mod cause;
mod error;
mod file_lines;
mod file_offsets;
mod find;
mod proof;
mod rewrite;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

pub use amiss::{Amiss, Astray, NotText, Slip};
pub use cause::is_template;
pub use error::{Cause, ManifestError};

use crate::document::SectionName;
use crate::snapshot::{Change, OWNERS_ANNOTATION, Snapshot};
pub use crate::written::Unwritable;
use crate::written::tree::{Kind, Pair, Style, Tree};
use crate::written::{self, Broken, splice};
use file_lines::FileLines;
use find::Place;
use rewrite::Rewrite;

/// A manifest as somebody wrote it, and where in it aws-auth stands.
///
/// It is read as kubectl reads it: as JSON when it starts with `{` and is JSON, else as YAML 1.1.
#[derive(Clone, Debug)]
pub struct Manifest {
    text: String,
    /// The texts of `data` have moved from here to `data` below.
    tree: Tree,
    place: Place,
    data: BTreeMap<String, Arc<str>>,
    owners: Option<String>,
    file_lines: [Option<FileLines>; 3],
}

/// Something about a manifest that its author should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The ConfigMap names no namespace; it counts as one of kube-system only when it is applied there.
    NoNamespace,
}

impl Manifest {
    /// Reads a manifest that holds exactly one ConfigMap named aws-auth of namespace kube-system (or of none), as a
    /// document of its own or as an item of a `List`.
    ///
    /// # Errors
    /// When it is not YAML or JSON, in any of its documents; when the ConfigMap is not there, or twice; and when the
    /// places that a change may have to touch are not plain text, or stand for something written elsewhere.
    pub fn parse(text: impl Into<String>) -> Result<Self, ManifestError> {
        let text = text.into();
        let tree = read(&text)?;
        let place = find::find(&tree)?;
        let (manifest, not_text) = Self::at(text, tree, place)?;
        let Some(NotText { key, what, line }) = not_text.first().cloned() else {
            return Ok(manifest);
        };
        Err(ManifestError::NotText {
            line,
            key,
            what,
            takes_bar: manifest.barred(&not_text).is_some(),
        })
    }

    /// The manifest whose aws-auth stands at this place, and the keys of `data` that are no text, which it is without.
    fn at(
        text: String,
        mut tree: Tree,
        place: Place,
    ) -> Result<(Self, Vec<NotText>), ManifestError> {
        let mut data = BTreeMap::new();
        let mut not_text = Vec::new();
        let mut file_lines = [const { None }; 3];
        let pairs = place
            .data
            .map_or(Vec::new(), |data| tree.pairs(data.value).to_vec());
        for pair in pairs {
            let key = tree.scalar(pair.key).unwrap_or_default().to_owned();
            find::check_direct(&tree, Some(pair), &format!("data.{key}"))?;
            if let Some(what) = find::not_text(&tree, pair.value) {
                let line = tree.node(pair.value).line;
                not_text.push(NotText { key, what, line });
                continue;
            }
            if let Some(name) = SectionName::ALL.into_iter().find(|name| name.key() == key) {
                file_lines[name as usize] = Some(FileLines::new(&text, &tree, pair));
            }
            let null = tree.is_null(pair.value);
            let Kind::Scalar { value, .. } = &mut tree.node_mut(pair.value).kind else {
                continue;
            };
            data.insert(
                key,
                if null {
                    Arc::default()
                } else {
                    std::mem::take(value).into()
                },
            );
        }
        let owners = place
            .annotations
            .and_then(|annotations| tree.get(annotations.value, OWNERS_ANNOTATION))
            .filter(|owners| !tree.is_null(owners.value))
            .and_then(|owners| tree.scalar(owners.value))
            .map(str::to_owned);
        let manifest = Self {
            text,
            tree,
            place,
            data,
            owners,
            file_lines,
        };
        Ok((manifest, not_text))
    }

    /// The file as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every key of the ConfigMap's `data` with its text; a null is an empty text.
    pub fn data(&self) -> &BTreeMap<String, Arc<str>> {
        &self.data
    }

    /// The annotation [`OWNERS_ANNOTATION`].
    pub fn owners_annotation(&self) -> Option<&str> {
        self.owners.as_deref()
    }

    /// The labels.
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        let labels = self.tree.get(self.place.metadata, "labels");
        labels.map_or_else(BTreeMap::new, |labels| self.texts(labels))
    }

    /// The annotations.
    pub fn annotations(&self) -> BTreeMap<&str, &str> {
        let annotations = self.place.annotations;
        annotations.map_or_else(BTreeMap::new, |annotations| self.texts(annotations))
    }

    fn texts(&self, of: Pair) -> BTreeMap<&str, &str> {
        let pairs = self.tree.pairs(of.value).iter();
        pairs
            .filter_map(|pair| Some((self.tree.scalar(pair.key)?, self.tree.scalar(pair.value)?)))
            .collect()
    }

    /// The ConfigMap as plain data.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            data: self.data.clone(),
            owners_annotation: self.owners.clone(),
            ..Snapshot::default()
        }
    }

    /// What its author should know.
    pub fn notes(&self) -> Vec<Note> {
        if self.place.has_namespace {
            Vec::new()
        } else {
            vec![Note::NoNamespace]
        }
    }

    /// The line of the file, from 1, on which a line of a section's own text, from 1, stands. For a quoted text on one
    /// line it is that line. `None` when the section is absent.
    pub fn file_line(&self, section: SectionName, line: usize) -> Option<usize> {
        self.file_lines[section as usize]
            .as_ref()
            .map(|lines| lines.file_line(line))
    }

    /// The bytes of the file at which bytes of a section's own text are written. `offsets` ascend; empty when the section is
    /// absent.
    pub fn file_offsets(&self, section: SectionName, offsets: &[usize]) -> Vec<usize> {
        let decoded = self.data.get(section.key());
        let Some((pair, decoded)) = self.pair(section.key()).zip(decoded) else {
            return Vec::new();
        };
        file_offsets::file_offsets(&self.text, &self.tree, pair, decoded, offsets)
    }

    /// Whether a section stands in a block, `|` or `>`, whose lines have no escapes.
    pub fn is_block(&self, section: SectionName) -> bool {
        let style = self
            .pair(section.key())
            .and_then(|pair| self.tree.style(pair.value));
        matches!(style, Some(Style::Literal | Style::Folded))
    }

    /// Where a key of `data` stands in the file.
    pub fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.pair(key)
            .map(|pair| self.tree.node(pair.key).span.clone())
    }

    /// The line of the file on which a key of `data` stands.
    pub fn key_line(&self, key: &str) -> Option<usize> {
        self.pair(key).map(|pair| self.tree.node(pair.key).line)
    }

    fn pair(&self, key: &str) -> Option<Pair> {
        self.tree.get(self.place.data?.value, key)
    }

    /// The text of the file after a change. Only the scalars that the change names differ, and in them only what
    /// differs in their text: style, indent, line endings, comments and escapes stay. Keys that are absent are added
    /// behind the last, in the style of the others. What already is as asked stays as it is.
    ///
    /// # Errors
    /// [`ManifestError::Unwritable`] when the style of the file cannot say it, and [`ManifestError::Bug`] when the new
    /// text, read again, is not exactly the old one with this change.
    pub fn with(&self, change: &Change) -> Result<String, ManifestError> {
        let change = self.effective(change);
        match self.steps(&change) {
            Some((first, then)) => Self::parse(&self.with(&first)?)?.with(&then),
            None if change.is_empty() => Ok(self.text.clone()),
            None => self.rewrite(&change),
        }
    }

    /// The part of a change that changes something.
    fn effective(&self, change: &Change) -> Change {
        let data = change
            .data
            .iter()
            .filter(|(key, text)| self.data.get(**key) != text.as_ref());
        Change {
            data: data.map(|(key, text)| (*key, text.clone())).collect(),
            owners_annotation: change
                .owners_annotation
                .clone()
                .filter(|owners| *owners != self.owners),
            // Only a cluster's aws-auth goes back to a kept text.
            ..Change::default()
        }
    }

    /// Splits a change whose parts would touch the same bytes. A key is taken out by itself; keys are added to `data`
    /// once those that are there have their new texts; and the annotation comes once there is `data` at all.
    fn steps(&self, change: &Change) -> Option<(Change, Change)> {
        let mut first = change.clone();
        let mut then = Change::default();
        if let Some(removed) = change
            .data
            .iter()
            .find(|(_, text)| text.is_none())
            .map(|(key, _)| *key)
        {
            first.data.retain(|key, _| *key == removed);
            then.data.clone_from(&change.data);
            then.data.remove(removed);
            then.owners_annotation = first.owners_annotation.take();
        } else if self.place.data.is_none() {
            then.owners_annotation = first.owners_annotation.take();
        } else {
            first.data.retain(|key, _| self.data.contains_key(*key));
            then.data.clone_from(&change.data);
            then.data.retain(|key, _| !self.data.contains_key(*key));
        }
        (!first.is_empty() && !then.is_empty()).then_some((first, then))
    }

    fn rewrite(&self, change: &Change) -> Result<String, ManifestError> {
        let rewrite = Rewrite::new(&self.text, &self.tree, self.place);
        let mut splices = Vec::new();
        let mut added = Vec::new();
        for (key, new) in &change.data {
            match (self.pair(key), new) {
                (Some(pair), Some(new)) => {
                    splices.extend(rewrite.set(pair, &self.data[*key], new)?)
                }
                (Some(pair), None) => splices.extend(rewrite.remove(pair)?),
                (None, Some(new)) => added.push((*key, new.as_ref())),
                (None, None) => {}
            }
        }
        if !added.is_empty() {
            splices.extend(rewrite.add(&added)?);
        }
        if let Some(owners) = &change.owners_annotation {
            splices.extend(rewrite.annotate(owners.as_deref())?);
        }
        let text = splice::apply(&self.text, splices)
            .ok_or_else(|| ManifestError::Bug("two changes touch the same bytes".to_owned()))?;
        proof::prove(self, change, text)
    }
}

fn read(text: &str) -> Result<Tree, ManifestError> {
    written::read(text).map_err(|broken| {
        let Broken {
            format,
            problem,
            line,
            document,
        } = broken;
        ManifestError::Syntax {
            line,
            format,
            problem,
            document,
            cause: cause::likely_cause(text, line),
        }
    })
}
