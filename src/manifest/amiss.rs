//! What a manifest says that the API server refuses, or that the authenticator never looks at.

use std::ops::Range;

use super::find::{self, Identity, identify, objects, text};
use super::{Manifest, ManifestError, read};
use crate::document::SectionName;
use crate::written::tree::{NodeId, Tree};

/// What is amiss with a manifest as a whole. Whoever changes a manifest refuses what is amiss; whoever reports on it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amiss {
    /// The values of `data` that are no text.
    pub not_text: Vec<NotText>,
    /// The objects that have what aws-auth should have.
    pub astray: Vec<Astray>,
    /// Whether there is no aws-auth, and the first of those stands for it.
    pub stands_in: bool,
    /// Whether [`Manifest::with_bars`] makes text of all that is none.
    pub takes_bars: bool,
}

/// A value of `data` that is no text. The API server refuses the ConfigMap, because its values are strings
/// (<https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/config-map-v1/>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotText {
    /// Its key.
    pub key: String,
    /// `a list` and the like.
    pub what: &'static str,
    /// Where it starts, from 1.
    pub line: usize,
}

/// An object that is not aws-auth, or perhaps not, and has a section of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Astray {
    /// The object in words.
    pub what: String,
    /// What makes it another one.
    pub slip: Slip,
    /// Where that stands in the file.
    pub span: Range<usize>,
}

/// What makes another object of an aws-auth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// It is no ConfigMap of `v1`.
    Kind,
    /// It has another name, or none.
    Name,
    /// It is of another namespace.
    Namespace,
    /// It names no namespace; it is aws-auth where it is applied to kube-system.
    NoNamespace,
    /// The section stands under this key, not under `data`.
    Key(&'static str),
}

/// Where sections stand in objects; only the last is read.
const PARENTS: [&str; 3] = ["binaryData", "stringData", "data"];

impl Manifest {
    /// Reads a manifest as [`parse`](Self::parse) does, and also one with something amiss: without the values that are no text;
    /// and where there is no aws-auth, the first object that has its sections stands for it.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), for all else.
    pub fn parse_amiss(text: impl Into<String>) -> Result<(Self, Amiss), ManifestError> {
        let text = text.into();
        let tree = read(&text)?;
        let objects = objects(&tree).into_iter();
        let astray: Vec<(NodeId, Astray)> = objects
            .filter_map(|object| Some((object, astray(&tree, object)?)))
            .collect();
        let found = find::find(&tree);
        let stands_in = matches!(found, Err(ManifestError::NotFound { .. }));
        let place = match astray.first() {
            Some((object, _)) if stands_in => find::place(&tree, *object),
            _ => found,
        }?;
        let (manifest, not_text) = Self::at(text, tree, place)?;
        let amiss = Amiss {
            takes_bars: !stands_in && !not_text.is_empty() && manifest.barred(&not_text).is_some(),
            stands_in,
            not_text,
            astray: astray.into_iter().map(|(_, astray)| astray).collect(),
        };
        Ok((manifest, amiss))
    }

    /// Reads a manifest as [`parse`](Self::parse) does, with a `|` in front of each value of `data` that is a list or a mapping in
    /// block style, so that it is text: the same that stood there.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), for all else.
    pub fn with_bars(text: impl Into<String>) -> Result<Self, ManifestError> {
        let text = text.into();
        let tree = read(&text)?;
        let place = find::find(&tree)?;
        let (manifest, not_text) = Self::at(text, tree, place)?;
        let Some(NotText { key, what, line }) = not_text.first().cloned() else {
            return Ok(manifest);
        };
        let barred = manifest.barred(&not_text);
        barred.ok_or(ManifestError::NotText {
            line,
            key,
            what,
            takes_bar: false,
        })
    }
}

fn astray(tree: &Tree, object: NodeId) -> Option<Astray> {
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
    let (slip, span) = if !is_config_map {
        (Slip::Kind, value(Some(object), "kind"))
    } else if !is_v1 {
        (Slip::Kind, value(Some(object), "apiVersion"))
    } else if of_metadata("name") != Some("aws-auth") {
        (Slip::Name, value(metadata, "name"))
    } else if !matches!(namespace, "" | "kube-system") {
        (Slip::Namespace, value(metadata, "namespace"))
    } else if parent != "data" {
        (Slip::Key(parent), Some(tree.node(key).span.clone()))
    } else if namespace.is_empty() {
        (Slip::NoNamespace, None)
    } else {
        return None;
    };
    Some(Astray {
        what,
        slip,
        span: span.unwrap_or_else(|| metadata_or_start(tree, object)),
    })
}

/// The key `metadata`; of an object without it, its first byte.
fn metadata_or_start(tree: &Tree, object: NodeId) -> Range<usize> {
    let start = tree.node(object).span.start;
    tree.get(object, "metadata")
        .map_or(start..start, |pair| tree.node(pair.key).span.clone())
}
