//! Fields of a ConfigMap that kubectl or the API server rejects.

use std::ops::Range;

use super::find_aws_auth::{not_text, text};
use crate::document::SectionName;
use crate::facts::limits::CONFIG_MAP_BYTES;
use crate::near_name::nearest;
use goyaml::edit::span_tree::{Kind, NodeId, Pair, Tree};
use goyaml::{Resolved, resolve};

/// A field, or a missing one, because of which kubectl or the API server rejects a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    pub problem: InvalidFieldProblem,
    /// The bytes of the file that show it.
    pub span: Range<usize>,
}

/// Why a field is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidFieldProblem {
    /// There is no apiVersion.
    NoApiVersion,
    /// A ConfigMap has no such field. kubectl validates fields strictly:
    /// <https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation>
    Unknown {
        /// Such as `metadata.namespce`.
        path: String,
        /// The field that was probably intended.
        intended: Option<&'static str>,
    },
    /// Its value has another type than the field.
    WrongType {
        path: String,
        /// What it is, such as `a number`.
        what: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// This key of `data` is also in `binaryData`.
    InBinaryData(String),
    /// The values of `data` have this many bytes, which is more than [`CONFIG_MAP_BYTES`].
    TooLong(usize),
}

/// The fields of a ConfigMap:
/// <https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/config-map-v1/>
pub(crate) const FIELDS: [&str; 6] = [
    "apiVersion",
    "kind",
    "metadata",
    "data",
    "binaryData",
    "immutable",
];

/// The fields of an object's metadata, including one of earlier versions:
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/>
pub(super) const METADATA: [&str; 16] = [
    "name",
    "namespace",
    "labels",
    "annotations",
    "generateName",
    "finalizers",
    "managedFields",
    "ownerReferences",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "resourceVersion",
    "selfLink",
    "uid",
    "clusterName",
];

/// Returns the invalid fields of a ConfigMap, except for values of `data` that are not text.
pub(super) fn invalid_fields(tree: &Tree, object: NodeId) -> Vec<InvalidField> {
    let mut invalid = unknown_fields(tree, object, "", &FIELDS);
    let is_renamed = invalid.iter().any(|field| match &field.problem {
        InvalidFieldProblem::Unknown { intended, .. } => *intended == Some("apiVersion"),
        _ => false,
    });
    if text(tree, object, "apiVersion").is_none() && !is_renamed {
        let at = tree.get(object, "kind").map_or(object, |pair| pair.key);
        invalid.push(InvalidField {
            problem: InvalidFieldProblem::NoApiVersion,
            span: tree.node(at).span.clone(),
        });
    }
    if let Some(metadata) = tree.get(object, "metadata") {
        invalid.extend(unknown_fields(tree, metadata.value, "metadata.", &METADATA));
        for key in ["labels", "annotations"] {
            let map = tree.get(metadata.value, key);
            invalid.extend(map.into_iter().flat_map(|map| not_strings(tree, map, key)));
        }
    }
    if let Some(immutable) = tree.get(object, "immutable")
        && !is_boolean(tree, immutable.value)
    {
        let what = not_text(tree, immutable.value).unwrap_or("a string");
        invalid.push(wrong_type(
            tree,
            immutable,
            "immutable".to_owned(),
            what,
            "a boolean",
        ));
    }
    let [data, binary] = ["data", "binaryData"].map(|key| tree.get(object, key));
    if let Some((data, binary)) = data.zip(binary) {
        let both = tree.pairs(binary.value).iter().filter_map(|pair| {
            let key = tree.scalar(pair.key)?;
            tree.get(data.value, key)?;
            Some(InvalidField {
                problem: InvalidFieldProblem::InBinaryData(key.to_owned()),
                span: tree.node(pair.key).span.clone(),
            })
        });
        invalid.extend(both);
    }
    invalid
}

/// Returns the field that is invalid because all values together are too long.
pub(super) fn too_long(tree: &Tree, object: NodeId, bytes: usize) -> Option<InvalidField> {
    let data = tree
        .get(object, "data")
        .filter(|_| bytes > CONFIG_MAP_BYTES)?;
    Some(InvalidField {
        problem: InvalidFieldProblem::TooLong(bytes),
        span: tree.node(data.key).span.clone(),
    })
}

/// Returns the fields that are not known. Those with sections of aws-auth are misplaced.
fn unknown_fields(
    tree: &Tree,
    of: NodeId,
    prefix: &str,
    known: &[&'static str],
) -> Vec<InvalidField> {
    let is_absent = |name: &&str| tree.get(of, name).is_none();
    let unknown = tree.pairs(of).iter().filter_map(|pair| {
        let key = tree.scalar(pair.key)?;
        if known.contains(&key) || has_sections(tree, *pair) {
            return None;
        }
        let absent = known.iter().copied().filter(is_absent);
        let intended = nearest(key, absent);
        Some(InvalidField {
            problem: InvalidFieldProblem::Unknown {
                path: format!("{prefix}{key}"),
                intended,
            },
            span: tree.node(pair.key).span.clone(),
        })
    });
    unknown.collect()
}

/// Returns whether a key is a section, or has one somewhere below.
fn has_sections(tree: &Tree, pair: Pair) -> bool {
    let is_section = |key: &str| SectionName::ALL.iter().any(|name| name.key() == key);
    tree.scalar(pair.key).is_some_and(is_section)
        || tree
            .pairs(pair.value)
            .iter()
            .any(|below| has_sections(tree, *below))
}

/// Returns the values of labels or annotations that are not strings.
fn not_strings(tree: &Tree, map: Pair, key: &str) -> Vec<InvalidField> {
    match &tree.node(map.value).kind {
        Kind::Mapping { .. } => {}
        Kind::Alias(_) => return Vec::new(),
        _ if tree.is_null(map.value) => return Vec::new(),
        _ => {
            let what = not_text(tree, map.value).unwrap_or("a string");
            let path = format!("metadata.{key}");
            return vec![wrong_type(tree, map, path, what, "a mapping")];
        }
    }
    let wrong = tree.pairs(map.value).iter().filter_map(|pair| {
        let is_alias = matches!(tree.node(pair.value).kind, Kind::Alias(_));
        let what = not_text(tree, pair.value).filter(|_| !is_alias)?;
        let name = tree.scalar(pair.key)?;
        let path = format!("metadata.{key}.{name}");
        Some(wrong_type(tree, *pair, path, what, "a string"))
    });
    wrong.collect()
}

fn wrong_type(
    tree: &Tree,
    pair: Pair,
    path: String,
    what: &'static str,
    expected: &'static str,
) -> InvalidField {
    InvalidField {
        problem: InvalidFieldProblem::WrongType {
            path,
            what,
            expected,
        },
        span: tree.node(pair.key).span.clone(),
    }
}

fn is_boolean(tree: &Tree, id: NodeId) -> bool {
    let value = tree.scalar(id).unwrap_or_default();
    match not_text(tree, id) {
        None => tree.is_null(id),
        Some("an alias") => true,
        Some(_) => matches!(resolve(None, value), Ok(Resolved::Bool(_))),
    }
}
