//! Finds content of a manifest that the API server rejects or that the authenticator never reads.

use std::ops::Range;

use super::find_aws_auth::{self, Identity, identify, objects, text};
use super::{Manifest, ManifestError, read};
use crate::document::SectionName;
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
}

/// An object that has a section of aws-auth but is not aws-auth, or may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MisplacedSection {
    /// A description of the object.
    pub what: String,
    /// Why it is not aws-auth.
    pub misplacement: Misplacement,
    /// The bytes of the file that show it.
    pub span: Range<usize>,
}

/// Why an object is not aws-auth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplacement {
    /// It is not a `v1` ConfigMap.
    Kind,
    /// It has another name, or none.
    Name,
    /// It is in another namespace.
    Namespace,
    /// It does not name a namespace. It is aws-auth only if it is applied to kube-system.
    NoNamespace,
    /// The section is under this key, not under `data`.
    Key(&'static str),
}

/// The keys under which objects may have sections. Only the last one is read.
const PARENTS: [&str; 3] = ["binaryData", "stringData", "data"];

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
        let objects = objects(&tree).into_iter();
        let misplaced: Vec<(NodeId, MisplacedSection)> = objects
            .filter_map(|object| Some((object, misplaced(&tree, object)?)))
            .collect();
        let found = find_aws_auth::find(&tree);
        let is_substitute = matches!(found, Err(ManifestError::NotFound { .. }));
        let place = match misplaced.first() {
            Some((object, _)) if is_substitute => find_aws_auth::place(&tree, *object),
            _ => found,
        }?;
        let (manifest, not_text) = Self::at(text, tree, place)?;
        let faults = ManifestFaults {
            fits_literal_blocks: !is_substitute
                && !not_text.is_empty()
                && manifest.as_literal_blocks(&not_text).is_some(),
            is_substitute,
            not_text,
            misplaced: misplaced
                .into_iter()
                .map(|(_, misplaced)| misplaced)
                .collect(),
        };
        Ok((manifest, faults))
    }

    /// Reads a manifest like [`parse`](Self::parse), after turning each list or mapping in `data` into a literal block of
    /// the same lines.
    ///
    /// # Errors
    /// The same errors as [`parse`](Self::parse), except for these faults.
    pub fn with_literal_blocks(text: impl Into<String>) -> Result<Self, ManifestError> {
        let text = text.into();
        let tree = read(&text)?;
        let place = find_aws_auth::find(&tree)?;
        let (manifest, not_text) = Self::at(text, tree, place)?;
        let Some(NotText { key, what, line }) = not_text.first().cloned() else {
            return Ok(manifest);
        };
        let as_literal_blocks = manifest.as_literal_blocks(&not_text);
        as_literal_blocks.ok_or(ManifestError::NotText {
            line,
            key,
            what,
            fits_literal_block: false,
        })
    }
}

fn misplaced(tree: &Tree, object: NodeId) -> Option<MisplacedSection> {
    let what = match identify(tree, object) {
        Identity::AwsAuth => "aws-auth".to_owned(),
        Identity::Other(what) => what,
        Identity::Bare(_) => return None,
    };
    let has_section = |parent: &str| {
        let parent = tree.get(object, parent)?;
        let is_there = |name: SectionName| tree.get(parent.value, name.key()).is_some();
        SectionName::ALL
            .into_iter()
            .any(is_there)
            .then_some(parent.key)
    };
    let (parent, key) = PARENTS
        .into_iter()
        .find_map(|parent| Some((parent, has_section(parent)?)))?;
    let metadata = tree.get(object, "metadata").map(|pair| pair.value);
    let of_metadata = |key| metadata.and_then(|metadata| text(tree, metadata, key));
    let value = |of: Option<NodeId>, key: &str| {
        let pair = of.and_then(|of| tree.get(of, key))?;
        Some(tree.node(pair.value).span.clone()).filter(|span| !span.is_empty())
    };
    let is_config_map = text(tree, object, "kind") == Some("ConfigMap");
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
    } else if parent != "data" {
        (Misplacement::Key(parent), Some(tree.node(key).span.clone()))
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

/// Returns the key `metadata`, or the first byte of an object without it.
fn metadata_or_start(tree: &Tree, object: NodeId) -> Range<usize> {
    let start = tree.node(object).span.start;
    tree.get(object, "metadata")
        .map_or(start..start, |pair| tree.node(pair.key).span.clone())
}
