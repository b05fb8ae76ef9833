//! Verifies that a changed manifest reads as intended.

use super::{Manifest, ManifestError};
use crate::aws_auth_snapshot::{Change, OWNERS_ANNOTATION};
use goyaml::edit::span_tree::{Compare, NodeId, Tree};

/// Reads the new manifest and checks that it is the old one with this change: the requested sections in aws-auth, and the
/// same documents with the same values everywhere else. Returns the text.
pub(super) fn verify(
    old: &Manifest,
    change: &Change,
    text: String,
) -> Result<String, ManifestError> {
    let new = Manifest::parse(text).map_err(|error| ManifestError::Bug(error.to_string()))?;
    same(old, change, &new)?;
    Ok(new.text)
}

/// Checks that the new manifest is the old one with this change.
pub(super) fn same(old: &Manifest, change: &Change, new: &Manifest) -> Result<(), ManifestError> {
    let mut data = old.data.clone();
    for (key, text) in &change.data {
        match text {
            Some(text) => data.insert((*key).to_owned(), text.clone()),
            None => data.remove(*key),
        };
    }
    let owners = change.owners_annotation.as_ref().unwrap_or(&old.owners);
    if let Some(key) = data
        .keys()
        .chain(new.data.keys())
        .find(|key| data.get(*key) != new.data.get(*key))
    {
        return Err(ManifestError::Bug(format!(
            "data.{key} would have another value"
        )));
    }
    if *owners != new.owners {
        return Err(ManifestError::Bug(format!(
            "the annotation {OWNERS_ANNOTATION} would have another value"
        )));
    }
    if !rest_is_same(old, new) {
        return Err(ManifestError::Bug(
            "something other than the sections of aws-auth would change".to_owned(),
        ));
    }
    Ok(())
}

/// Returns whether everything except `data` and the owners annotation is the same.
fn rest_is_same(old: &Manifest, new: &Manifest) -> bool {
    if old.tree.roots.len() != new.tree.roots.len()
        || old.place.has_namespace != new.place.has_namespace
    {
        return false;
    }
    let annotations = |manifest: &Manifest| match manifest.place.annotations {
        Some(pair) => others(&manifest.tree, pair.value, OWNERS_ANNOTATION),
        None => Vec::new(),
    };
    let how = |id: NodeId, other: NodeId| {
        let (mut left, mut right);
        if (id, other) == (old.place.object, new.place.object) {
            left = others(&old.tree, id, "data");
            right = others(&new.tree, other, "data");
        } else if (id, other) == (old.place.metadata, new.place.metadata) {
            left = others(&old.tree, id, "annotations");
            right = others(&new.tree, other, "annotations");
            if left.len() != right.len() {
                return Compare::Differs;
            }
            left.extend(annotations(old));
            right.extend(annotations(new));
        } else {
            return Compare::All;
        }
        if left.len() != right.len() {
            return Compare::Differs;
        }
        Compare::Only(left.into_iter().zip(right).collect())
    };
    old.tree
        .roots
        .iter()
        .zip(&new.tree.roots)
        .all(|(&id, &other)| old.tree.same(id, &new.tree, other, how))
}

/// Returns the keys and values of a mapping in turn, without those of one key.
fn others(tree: &Tree, mapping: NodeId, key: &str) -> Vec<NodeId> {
    let pairs = tree
        .pairs(mapping)
        .iter()
        .filter(|pair| tree.scalar(pair.key) != Some(key));
    pairs.flat_map(|pair| [pair.key, pair.value]).collect()
}
