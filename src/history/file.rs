//! A revision or a backup as a file: a ConfigMap that kubectl can apply, too.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Contents;
use super::revision::{Meta, Revision, check_version};
use crate::manifest::{Manifest, ManifestError};
use crate::snapshot::OWNERS_ANNOTATION;

/// The annotation that holds all of a revision but the texts before the write.
const REVISION_ANNOTATION: &str = "awsauth.dev/revision";

/// Why a file gives no contents.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is no manifest with an aws-auth in it.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its `binaryData` can't be read.
    #[error("its binaryData can't be read: {0}")]
    BinaryData(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    binary_data: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, String>,
}

/// What of a document is read here; the manifest's own reader has read the rest.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Part {
    kind: String,
    metadata: PartMetadata,
    binary_data: Option<BTreeMap<String, String>>,
    items: Option<Vec<Self>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PartMetadata {
    name: String,
    annotations: Option<BTreeMap<String, Option<String>>>,
}

/// The contents as YAML, with what else is known of the write when they are those before one.
pub fn write_file(contents: &Contents, revision: Option<&Revision>) -> String {
    let texts = |map| -> BTreeMap<&str, &str> {
        let map: &BTreeMap<String, Arc<str>> = map;
        map.iter()
            .map(|(key, text)| (key.as_str(), &**text))
            .collect()
    };
    let mut annotations = BTreeMap::new();
    if let Some(owners) = &contents.owners_annotation {
        annotations.insert(OWNERS_ANNOTATION, owners.clone());
    }
    if let Some(revision) = revision {
        let meta = serde_json::to_string(&revision.meta()).unwrap_or_default();
        annotations.insert(REVISION_ANNOTATION, meta);
    }
    let written = Written {
        api_version: "v1",
        kind: "ConfigMap",
        metadata: Metadata {
            name: "aws-auth",
            namespace: "kube-system",
            annotations,
        },
        data: texts(&contents.data),
        binary_data: texts(&contents.binary_data),
    };
    serde_yaml::to_string(&written).unwrap_or_default()
}

/// Reads a file that [`write_file`] wrote, or any other manifest with an aws-auth in it. The revision is there when the file
/// holds one that is whole.
///
/// # Errors
/// When there is no such ConfigMap in it, or it can't be read.
pub fn read_file(text: &str) -> Result<(Contents, Option<Revision>), FileError> {
    let manifest = Manifest::parse(text)?;
    let (mut binary_data, mut meta) = (BTreeMap::new(), None);
    for document in serde_yaml::Deserializer::from_str(text) {
        let part = Part::deserialize(document)
            .map_err(|error| FileError::BinaryData(error.to_string()))?;
        for mut part in part.into_all() {
            if part.kind == "ConfigMap" && part.metadata.name == "aws-auth" {
                binary_data = part.binary_data.take().unwrap_or_default();
                let mut annotations = part.metadata.annotations.take().unwrap_or_default();
                meta = annotations.remove(REVISION_ANNOTATION).flatten();
            }
        }
    }
    let texts = binary_data.into_iter();
    let contents = Contents {
        exists: true,
        data: manifest.data().clone(),
        binary_data: texts.map(|(key, text)| (key, text.into())).collect(),
        owners_annotation: manifest.owners_annotation().map(str::to_owned),
    };
    let meta = meta.filter(|meta| check_version(meta.as_bytes()).is_ok());
    let meta = meta.and_then(|meta| serde_json::from_str::<Meta>(&meta).ok());
    let revision = meta.and_then(|meta| Revision::of(meta, contents.clone()).ok());
    Ok((contents, revision))
}

impl Part {
    /// It, and what it lists.
    fn into_all(mut self) -> Vec<Self> {
        let items = self.items.take().unwrap_or_default();
        let mut all = vec![self];
        all.extend(items);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::super::revision::tests::revision;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(revision in revision()) {
            let text = write_file(&revision.before, Some(&revision));
            let (contents, read) = read_file(&text).unwrap();
            prop_assert_eq!(read, Some(revision.clone()), "{}", text);
            prop_assert_eq!(contents, Contents { exists: true, ..revision.before.clone() });
            let (contents, none) = read_file(&write_file(&revision.after, None)).unwrap();
            prop_assert_eq!((contents, none), (revision.after, None));
        }
    }

    #[test]
    fn one_in_a_list_is_found() {
        let text = r#"{"kind": "List", "apiVersion": "v1", "items": [{"kind": "ConfigMap", "apiVersion": "v1",
            "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": "[]"}, "binaryData": {"b": "AAEC"}}]}"#;
        let (contents, _) = read_file(text).unwrap();
        assert_eq!(contents.data["mapRoles"].as_ref(), "[]");
        assert_eq!(contents.binary_data["b"].as_ref(), "AAEC");
    }
}
