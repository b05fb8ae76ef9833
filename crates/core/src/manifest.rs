//! A YAML or JSON file with the aws-auth ConfigMap, alone or among other documents.

mod error;
mod faults;
mod file_positions;
mod find_aws_auth;
mod fragment;
mod invalid_fields;
mod kustomization;
mod literal_block;
mod misplaced_section;
mod rewrite;
mod syntax_cause;
mod verify;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

pub use error::{Cause, ManifestError};
pub use faults::{ManifestFaults, ManifestForm, NotText, RepeatedKey};
pub(crate) use invalid_fields::FIELDS;
pub use invalid_fields::{InvalidField, InvalidFieldProblem};
pub use misplaced_section::{MisplacedSection, Misplacement};
pub use syntax_cause::is_template;

use crate::aws_auth_snapshot::{Change, OWNERS_ANNOTATION, Snapshot};
use crate::document::SectionName;
use crate::helm_jinja_syntax::{self, Action};
use file_positions::FileLines;
use find_aws_auth::Place;
pub use goyaml::edit::Unwritable;
use goyaml::edit::span_tree::{Kind, Pair, ReadError, Style, Tree};
use goyaml::edit::{self, splice};
use kustomization::Literal;
use rewrite::Rewrite;

/// A manifest file, and the position of aws-auth in it.
///
/// It is read as kubectl reads it: as JSON if it starts with `{` and is JSON, else as YAML 1.1.
#[derive(Clone, Debug)]
pub struct Manifest {
    text: String,
    /// Without the values of `data`, which are moved to the field below.
    tree: Tree,
    place: Place,
    data: BTreeMap<String, Arc<str>>,
    /// The keys of `data` in the file. Of a repeated key, the last one counts, as for kubectl.
    pairs: HashMap<String, Pair>,
    owners: Option<String>,
    file_lines: [Option<FileLines>; 3],
    /// The sections of a kustomization.
    literals: Vec<Literal>,
    /// The bytes of the sections that are lists of the file itself, not strings. Such a manifest is only reported on.
    lists: [Option<Range<usize>>; 3],
}

/// A note for the author of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The ConfigMap does not name a namespace, so it is aws-auth only if it is applied to kube-system.
    NoNamespace,
}

impl Manifest {
    /// Reads a manifest with exactly one ConfigMap named aws-auth in namespace kube-system (or without a namespace), as a
    /// document or as an item of a `List`.
    ///
    /// # Errors
    /// If any of its documents is neither YAML nor JSON, if the ConfigMap is missing or repeated, and if the values that
    /// a change may have to write are not text, or use anchors, aliases, tags or merge keys.
    pub fn parse(text: impl Into<String>) -> Result<Self, ManifestError> {
        let (manifest, not_text) = Self::read_only_one(text.into())?;
        match not_text.first() {
            None => Ok(manifest),
            Some(first) => Err(first.error(manifest.as_literal_blocks(&not_text).is_some())),
        }
    }

    /// Reads the manifest, with the values of `data` that are not text.
    fn read_only_one(text: String) -> Result<(Self, Vec<NotText>), ManifestError> {
        let tree = read(&text)?;
        let place = find_aws_auth::find(&tree)?;
        Self::at(text, tree, place)
    }

    /// Builds the manifest with aws-auth at this position. Returns the keys of `data` that are not text separately.
    fn at(
        text: String,
        mut tree: Tree,
        place: Place,
    ) -> Result<(Self, Vec<NotText>), ManifestError> {
        let mut data = BTreeMap::new();
        let mut not_text = Vec::new();
        let mut file_lines = [const { None }; 3];
        let pairs = pairs_by_key(&tree, place);
        let in_file = place
            .data
            .map_or(Vec::new(), |data| tree.pairs(data.value).to_vec());
        for pair in in_file {
            let key = tree.scalar(pair.key).unwrap_or_default().to_owned();
            let is_section = SectionName::ALL.into_iter().any(|name| name.key() == key);
            if place.is_at_top_level && !is_section && !fragment::is_section_in_any_case(&key) {
                continue;
            }
            find_aws_auth::check_direct(&tree, Some(pair), &format!("data.{key}"))?;
            if let Some(what) = find_aws_auth::not_text(&tree, pair.value) {
                let line = tree.node(pair.value).line;
                let is_in_line_of_key = tree.node(pair.key).line == line;
                not_text.push(NotText {
                    key,
                    what,
                    line,
                    is_in_line_of_key,
                });
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
            pairs,
            owners,
            file_lines,
            literals: Vec::new(),
            lists: [const { None }; 3],
        };
        Ok((manifest, not_text))
    }

    /// Returns the file as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns all keys of the ConfigMap's `data` with their values; a null is an empty string.
    pub fn data(&self) -> &BTreeMap<String, Arc<str>> {
        &self.data
    }

    /// Returns the annotation [`OWNERS_ANNOTATION`].
    pub fn owners_annotation(&self) -> Option<&str> {
        self.owners.as_deref()
    }

    pub fn labels(&self) -> BTreeMap<&str, &str> {
        let labels = self.tree.get(self.place.metadata, "labels");
        labels.map_or_else(BTreeMap::new, |labels| self.texts(labels))
    }

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

    /// Returns the first action of a template engine in aws-auth. Other objects of the file may contain such actions.
    pub fn template_action(&self) -> Option<Action> {
        let bytes = self.tree.node(self.place.object).span.clone();
        let before = self.text.get(..bytes.start)?.matches('\n').count();
        let action = helm_jinja_syntax::first_action(self.text.get(bytes)?)?;
        Some(Action {
            line: before + action.line,
            ..action
        })
    }

    /// Returns the ConfigMap as plain data.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            data: self.data.clone(),
            owners_annotation: self.owners.clone(),
            ..Snapshot::default()
        }
    }

    /// Returns notes for its author.
    pub fn notes(&self) -> Vec<Note> {
        if self.place.has_namespace {
            Vec::new()
        } else {
            vec![Note::NoNamespace]
        }
    }

    /// Returns the line of the file, from 1, of a line of a section's own text, from 1. For a quoted section on one line it
    /// is always that line. `None` if the section is absent.
    pub fn file_line(&self, section: SectionName, line: usize) -> Option<usize> {
        self.file_lines[section as usize]
            .as_ref()
            .map(|lines| lines.file_line(line))
    }

    /// Returns the literal of a kustomization that has a section.
    fn literal(&self, section: SectionName) -> Option<&Literal> {
        let mut literals = self.literals.iter();
        literals.find(|literal| literal.section == section)
    }

    /// Returns the bytes of the file at which bytes of a section's own text are written. `offsets` ascend. Empty if the
    /// section is absent.
    pub fn file_offsets(&self, section: SectionName, offsets: &[usize]) -> Vec<usize> {
        if let Some(list) = &self.lists[section as usize] {
            let in_file = |offset: &usize| (list.start + offset).min(list.end);
            return offsets.iter().map(in_file).collect();
        }
        if let Some(Literal { item, column, .. }) = self.literal(section) {
            let decoded = self.tree.scalar(*item).unwrap_or_default();
            // The section follows `KEY=`.
            let start = section.key().len() + 1;
            let offsets: Vec<usize> = offsets.iter().map(|offset| start + offset).collect();
            let scalar = (*item, *column);
            return file_positions::file_offsets(&self.text, &self.tree, scalar, decoded, &offsets);
        }
        let decoded = self.data.get(section.key());
        let Some((pair, decoded)) = self.pair(section.key()).zip(decoded) else {
            return Vec::new();
        };
        let scalar = (pair.value, self.tree.node(pair.key).column);
        file_positions::file_offsets(&self.text, &self.tree, scalar, decoded, offsets)
    }

    /// Returns whether a section is a block scalar, `|` or `>`, whose lines have no escapes.
    pub fn is_block(&self, section: SectionName) -> bool {
        let style = self
            .pair(section.key())
            .and_then(|pair| self.tree.style(pair.value));
        let is_list = self.lists[section as usize].is_some();
        is_list || matches!(style, Some(Style::Literal | Style::Folded))
    }

    /// Returns the bytes of a key of `data` in the file.
    pub fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.pair(key)
            .map(|pair| self.tree.node(pair.key).span.clone())
    }

    /// Returns the line of a key of `data` in the file.
    pub fn key_line(&self, key: &str) -> Option<usize> {
        self.pair(key).map(|pair| self.tree.node(pair.key).line)
    }

    /// Returns a key of `data`.
    fn pair(&self, key: &str) -> Option<Pair> {
        self.pairs.get(key).copied()
    }

    /// Returns the text of the file after a change. Only the scalars that the change names differ, and in them only the
    /// lines or characters that differ: style, indentation, line endings, comments and escapes stay. Absent keys are added
    /// after the last one, in the style of the others.
    ///
    /// # Errors
    /// [`ManifestError::Unwritable`] if the style of the file does not allow the change, and [`ManifestError::Bug`] if the
    /// new text, read again, is not exactly the old one with this change.
    pub fn with(&self, change: &Change) -> Result<String, ManifestError> {
        let change = self.effective(change);
        match self.steps(&change) {
            Some((first, then)) => Self::parse(&self.with(&first)?)?.with(&then),
            None if change.is_empty() => Ok(self.text.clone()),
            None => self.rewrite(&change),
        }
    }

    /// Returns the part of a change that makes a difference.
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
            // Only the aws-auth of a cluster is restored to an earlier state.
            ..Change::default()
        }
    }

    /// Splits a change whose parts would touch the same bytes. A key is removed in a step of its own. Keys are added to
    /// `data` after existing keys have their new values. The annotation is added after `data` exists.
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
        verify::verify(self, change, text)
    }
}

fn pairs_by_key(tree: &Tree, place: Place) -> HashMap<String, Pair> {
    let data = place.data.map(|data| tree.pairs(data.value));
    let pairs = data.into_iter().flatten();
    pairs
        .filter_map(|pair| Some((tree.scalar(pair.key)?.to_owned(), *pair)))
        .collect()
}

fn read(text: &str) -> Result<Tree, ManifestError> {
    edit::read(text).map_err(|error| {
        let ReadError {
            format,
            problem,
            line,
            document,
        } = error;
        let cause = syntax_cause::likely_cause(text, line);
        let line = match cause {
            Cause::Stray { line, .. } | Cause::Embedded { line, .. } | Cause::Edit { line, .. } => {
                line
            }
            _ => line,
        };
        ManifestError::Syntax {
            line,
            format,
            problem,
            document,
            cause,
        }
    })
}
