//! Finds content of a manifest that the API server rejects or that the authenticator never reads.

use std::collections::HashMap;
use std::ops::Range;

use super::find_aws_auth::{self, Identity, identify, objects, text};
use super::fragment::{Fragment, is_section_in_any_case};
use super::invalid_fields::{InvalidField, InvalidFieldProblem, invalid_fields, too_long};
use super::kustomization::Generator;
use super::misplaced_section::{MisplacedSection, Misplacement};
use super::{Manifest, ManifestError, read};
use crate::document::{ENTRY_FIELDS, SectionName};
use crate::near_name::nearest;
use goyaml::edit::span_tree::{NodeId, Tree};

/// Faults of a manifest. Commands that change a manifest reject them; commands that report on one list them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestFaults {
    /// The values of `data` that are not text.
    pub not_text: Vec<NotText>,
    /// Other objects that have sections of aws-auth.
    pub misplaced: Vec<MisplacedSection>,
    /// Whether there is no aws-auth, so that the first of those objects was read instead.
    pub is_substitute: bool,
    /// Whether [`Manifest::with_literal_blocks`] can turn all of those values into text.
    pub fits_literal_blocks: bool,
    /// The fields of aws-auth that kubectl or the API server rejects.
    pub invalid_fields: Vec<InvalidField>,
    /// The keys that `data` has more than once, without the last of each.
    pub repeated: Vec<RepeatedKey>,
    /// What the file has in place of a ConfigMap.
    pub form: ManifestForm,
}

/// What a file contains aws-auth as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ManifestForm {
    /// A ConfigMap.
    #[default]
    ConfigMap,
    /// A part of it without a Kubernetes object: a list of entries, sections, or a patch of `data`.
    Fragment,
    /// An item of configMapGenerator in a kustomization.
    Generator {
        /// The files that it reads.
        files: Vec<String>,
    },
}

/// A key that is repeated in `data`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedKey {
    pub key: String,
    /// The bytes of the key in the file.
    pub span: Range<usize>,
    /// The line of the last key with this name.
    pub last_line: usize,
}

/// A value of `data` that is not text. The API server rejects the ConfigMap, because its values are strings
/// (<https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/config-map-v1/>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotText {
    pub key: String,
    /// What it is, such as `a list`.
    pub what: &'static str,
    /// The line where it starts, from 1.
    pub line: usize,
    /// Whether it starts in the line of its key.
    pub is_in_line_of_key: bool,
}

impl NotText {
    pub(super) fn error(&self, fits_literal_block: bool) -> ManifestError {
        ManifestError::NotText {
            line: self.line,
            key: self.key.clone(),
            what: self.what,
            fits_literal_block,
        }
    }
}

/// The keys under which objects of any kind may have sections. Only the last one is read.
const PARENTS: [&str; 3] = ["binaryData", "stringData", "data"];

/// How many mappings around the sections of a ConfigMap are searched.
const MAX_DEPTH: usize = 3;

impl ManifestFaults {
    /// Returns whether the name of an unknown field is a misspelled `namespace`.
    fn renames_namespace(&self) -> bool {
        self.invalid_fields
            .iter()
            .any(|field| match &field.problem {
                InvalidFieldProblem::Unknown { intended, .. } => *intended == Some("namespace"),
                _ => false,
            })
    }
}

impl Manifest {
    /// Reads a manifest like [`parse`](Self::parse), but accepts one with faults. Values that are not text are left out. If
    /// there is no aws-auth, the first object with its sections is read instead.
    ///
    /// # Errors
    /// The same errors as [`parse`](Self::parse), except for these faults.
    pub fn parse_with_faults(
        text: impl Into<String>,
    ) -> Result<(Self, ManifestFaults), ManifestError> {
        let text = text.into();
        let tree = read(&text)?;
        let objects = objects(&tree);
        let generator = objects
            .iter()
            .find_map(|object| Generator::of(&tree, *object));
        let mut misplaced: Vec<(NodeId, MisplacedSection)> = objects
            .iter()
            .filter_map(|object| Some((*object, misplaced(&tree, *object)?)))
            .collect();
        let found = find_aws_auth::find_object(&tree);
        let is_substitute = matches!(
            found,
            Err(ManifestError::NotFound { .. } | ManifestError::Bare { .. })
        );
        let mut faults = ManifestFaults::default();
        let (mut manifest, not_text) = match (misplaced.first(), &objects[..]) {
            (None, [root]) if is_substitute && let Some(fragment) = Fragment::of(&tree, *root) => {
                faults.form = ManifestForm::Fragment;
                match fragment {
                    Fragment::List(section) => {
                        (Self::of_list(text, tree, *root, section), Vec::new())
                    }
                    Fragment::Sections(place) => Self::at(text, tree, place)?,
                }
            }
            (None, _) if is_substitute && let Some(generator) = generator => {
                misplaced.extend(
                    generator
                        .misplaced
                        .map(|misplaced| (generator.item, misplaced)),
                );
                faults.form = ManifestForm::Generator {
                    files: generator.files,
                };
                let manifest = Self::without_data(text, tree, generator.item);
                (manifest.with_literals(generator.literals), Vec::new())
            }
            (substitute, _) => {
                let object = match substitute {
                    Some((object, _)) if is_substitute => *object,
                    _ => found.clone()?,
                };
                let place = find_aws_auth::place_with_repeated_keys(&tree, object)?;
                if !is_substitute {
                    faults.invalid_fields = invalid_fields(&tree, object);
                }
                Self::at(text, tree, place)?
            }
        };
        faults.fits_literal_blocks = !is_substitute
            && !not_text.is_empty()
            && !not_text
                .iter()
                .any(|value| ENTRY_FIELDS.contains(&value.key.as_str()))
            && manifest.as_literal_blocks(&not_text).is_some();
        faults.repeated = manifest.repeated_keys();
        for value in &not_text {
            manifest.read_list(&value.key);
            if manifest.place.is_at_top_level && is_section_in_any_case(&value.key) {
                let text = manifest.data.entry(value.key.clone());
                text.or_default();
            }
        }
        if !manifest.place.is_at_top_level {
            let bytes = manifest.data.values().map(|text| text.len()).sum();
            let too_long = too_long(&manifest.tree, manifest.place.object, bytes);
            faults.invalid_fields.extend(too_long);
            faults.not_text = not_text;
        } else if manifest.data.is_empty() {
            // The keys belong to another tool.
            found?;
        }
        if faults.renames_namespace() {
            misplaced.retain(|(_, found)| found.misplacement != Misplacement::NoNamespace);
        }
        faults.is_substitute = is_substitute;
        faults.misplaced = misplaced
            .into_iter()
            .map(|(_, misplaced)| misplaced)
            .collect();
        Ok((manifest, faults))
    }

    /// Reads a manifest like [`parse`](Self::parse), after turning each list or mapping in `data` into a literal block of
    /// the same lines.
    ///
    /// # Errors
    /// The same errors as [`parse`](Self::parse), except for these faults.
    pub fn with_literal_blocks(text: impl Into<String>) -> Result<Self, ManifestError> {
        let (manifest, not_text) = Self::read_only_one(text.into())?;
        let Some(first) = not_text.first() else {
            return Ok(manifest);
        };
        let as_literal_blocks = manifest.as_literal_blocks(&not_text);
        as_literal_blocks.ok_or_else(|| first.error(false))
    }
}

impl Manifest {
    /// Returns the keys that `data` has more than once, without the last of each.
    fn repeated_keys(&self) -> Vec<RepeatedKey> {
        let data = self.place.data.filter(|_| !self.place.is_at_top_level);
        let pairs = data.map_or(&[][..], |data| self.tree.pairs(data.value));
        let keys = || {
            pairs
                .iter()
                .filter_map(|pair| Some((self.tree.scalar(pair.key)?, pair.key)))
        };
        let last: HashMap<&str, NodeId> = keys().collect();
        let repeated = keys().filter(|(key, id)| last[key] != *id);
        repeated
            .map(|(key, id)| RepeatedKey {
                key: key.to_owned(),
                span: self.tree.node(id).span.clone(),
                last_line: self.tree.node(last[key]).line,
            })
            .collect()
    }
}

fn misplaced(tree: &Tree, object: NodeId) -> Option<MisplacedSection> {
    let what = match identify(tree, object) {
        Identity::AwsAuth => "aws-auth".to_owned(),
        Identity::Other(what) => what,
        Identity::Bare(_) => return without_kind(tree, object),
    };
    let has_section = |parent: &str| {
        let parent = tree.get(object, parent)?;
        let is_there = |name: SectionName| tree.get(parent.value, name.key()).is_some();
        SectionName::ALL
            .into_iter()
            .any(is_there)
            .then_some(parent.key)
    };
    let is_config_map = text(tree, object, "kind") == Some("ConfigMap");
    let elsewhere = || is_config_map.then(|| sections_elsewhere(tree, object, MAX_DEPTH))?;
    let at_parent = || {
        let mut parents = PARENTS.into_iter();
        parents.find_map(|parent| Some((vec![parent], has_section(parent)?)))
    };
    let (path, key) = elsewhere().or_else(at_parent)?;
    let metadata = tree.get(object, "metadata").map(|pair| pair.value);
    let of_metadata = |key| metadata.and_then(|metadata| text(tree, metadata, key));
    let value = |of: Option<NodeId>, key: &str| {
        let pair = of.and_then(|of| tree.get(of, key))?;
        Some(tree.node(pair.value).span.clone()).filter(|span| !span.is_empty())
    };
    let is_v1 = text(tree, object, "apiVersion").is_none_or(|version| version == "v1");
    let namespace = of_metadata("namespace").unwrap_or_default();
    let (misplacement, span) = if !is_config_map {
        (Misplacement::Kind, value(Some(object), "kind"))
    } else if !is_v1 {
        (Misplacement::Kind, value(Some(object), "apiVersion"))
    } else if of_metadata("name") != Some("aws-auth") {
        (Misplacement::Name, value(metadata, "name"))
    } else if !matches!(namespace, "" | "kube-system") {
        (Misplacement::Namespace, value(metadata, "namespace"))
    } else if path == ["binaryData"] && is_all_in_data(tree, object) {
        // The keys in both are invalid.
        return None;
    } else if path != ["data"] {
        let place = match path.is_empty() {
            true => "at the top level".to_owned(),
            false => format!("in {}", path.join(".")),
        };
        (
            Misplacement::Place(place),
            Some(tree.node(key).span.clone()),
        )
    } else if namespace.is_empty() {
        (Misplacement::NoNamespace, None)
    } else {
        return None;
    };
    Some(MisplacedSection {
        what,
        misplacement,
        span: span.unwrap_or_else(|| metadata_or_start(tree, object)),
    })
}

/// Returns whether `data` has all sections of `binaryData`.
fn is_all_in_data(tree: &Tree, object: NodeId) -> bool {
    let has = |parent: &str, name: SectionName| {
        let parent = tree.get(object, parent);
        parent.is_some_and(|parent| tree.get(parent.value, name.key()).is_some())
    };
    let mut sections = SectionName::ALL.into_iter();
    sections.all(|name| !has("binaryData", name) || has("data", name))
}

/// Returns the path to the first mapping that has sections, other than `data`, and the last key of it. The path of the object itself is
/// empty.
fn sections_elsewhere(tree: &Tree, of: NodeId, depth: usize) -> Option<(Vec<&str>, NodeId)> {
    let mut sections = SectionName::ALL.into_iter();
    if let Some(section) = sections.find_map(|section| tree.get(of, section.key())) {
        return Some((Vec::new(), section.key));
    }
    if depth == 0 {
        return None;
    }
    tree.pairs(of).iter().find_map(|pair| {
        let is_data = |name: &&str| *name == "data" && depth == MAX_DEPTH;
        let name = tree.scalar(pair.key).filter(|name| !is_data(name))?;
        let (mut path, key) = sections_elsewhere(tree, pair.value, depth - 1)?;
        let key = if path.is_empty() { pair.key } else { key };
        path.insert(0, name);
        Some((path, key))
    })
}

/// Returns a description of an object with `data` of aws-auth whose kind is missing.
fn without_kind(tree: &Tree, object: NodeId) -> Option<MisplacedSection> {
    let mut of_objects = ["apiVersion", "metadata"].into_iter();
    let first = of_objects.find_map(|key| tree.get(object, key))?.key;
    let misspelled = tree.pairs(object).iter().find_map(|pair| {
        let key = tree.scalar(pair.key)?;
        let is_kind = key != "kind" && nearest(key, ["kind"]).is_some();
        is_kind.then(|| (pair.key, key.to_owned()))
    });
    let (at, misspelled) = match misspelled {
        Some((at, key)) => (at, Some(key)),
        None => (
            tree.get(object, "kind").map_or(first, |pair| pair.key),
            None,
        ),
    };
    Some(MisplacedSection {
        what: "an object with data of aws-auth".to_owned(),
        misplacement: Misplacement::NoKind {
            has_api_version: text(tree, object, "apiVersion").is_some(),
            misspelled,
        },
        span: tree.node(at).span.clone(),
    })
}

/// Returns the key `metadata`, or the first byte of an object without it.
fn metadata_or_start(tree: &Tree, object: NodeId) -> Range<usize> {
    let start = tree.node(object).span.start;
    tree.get(object, "metadata")
        .map_or(start..start, |pair| tree.node(pair.key).span.clone())
}
