//! A revision or a backup as a file: a ConfigMap that kubectl can apply, too.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Contents;
use super::revision::{Meta, Revision, check_version};
use crate::manifest::{Manifest, ManifestError};
use crate::snapshot::OWNERS_ANNOTATION;
use crate::written::DEFAULT_STEP;
use crate::written::spell::Spelling;

/// The annotation that holds all of a revision but the texts before the write.
const REVISION_ANNOTATION: &str = "awsauth.dev/revision";
/// The annotation that says of which cluster a backup is: its API server.
const CLUSTER_ANNOTATION: &str = "awsauth.dev/cluster";

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

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The contents.
    pub contents: Contents,
    /// The revision, when the file holds one that is whole.
    pub revision: Option<Revision>,
    /// The API server of the cluster that it is a backup of, where it says so.
    pub server: Option<String>,
}

/// The contents as YAML, with what else is known of the write when they are those before one, and of which cluster they are
/// when that is to be told.
pub fn write_file(
    contents: &Contents,
    revision: Option<&Revision>,
    server: Option<&str>,
) -> String {
    let mut text = String::from(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\n",
    );
    let meta = revision.map(|revision| serde_json::to_string(&revision.meta()).unwrap_or_default());
    let annotations = [
        (CLUSTER_ANNOTATION, server),
        (OWNERS_ANNOTATION, contents.owners_annotation.as_deref()),
        (REVISION_ANNOTATION, meta.as_deref()),
    ];
    let annotations = annotations
        .into_iter()
        .filter_map(|(key, text)| Some((key, text?)));
    push(&mut text, 2, "annotations", annotations);
    for (name, texts) in [
        ("data", &contents.data),
        ("binaryData", &contents.binary_data),
    ] {
        let texts = texts.iter().map(|(key, text)| (key.as_str(), &**text));
        push(&mut text, 0, name, texts);
    }
    text
}

/// Appends a mapping of texts, each spelt so that every reader of YAML takes it for that text; nothing when there is none.
fn push<'a>(
    out: &mut String,
    indent: usize,
    name: &str,
    texts: impl Iterator<Item = (&'a str, &'a str)>,
) {
    let column = indent + DEFAULT_STEP;
    let blanks = |number| " ".repeat(number);
    for (nth, (key, text)) in texts.enumerate() {
        if nth == 0 {
            out.push_str(&format!("{}{name}:\n", blanks(indent)));
        }
        let (key, _) = Spelling::Plain.spell(key, column, "\n", column);
        let style = if text.contains('\n') {
            Spelling::Literal {
                offset: DEFAULT_STEP,
            }
        } else {
            Spelling::Single
        };
        let (head, body) = style.spell(text, column, "\n", column);
        out.push_str(&format!("{}{key}: {head}\n{body}", blanks(column)));
    }
}

/// Reads a file that [`write_file`] wrote, or any other manifest with an aws-auth in it.
///
/// # Errors
/// When there is no such ConfigMap in it, or it can't be read.
pub fn read_file(text: &str) -> Result<Filed, FileError> {
    let manifest = Manifest::parse(text)?;
    let (mut binary_data, mut meta, mut server) = (BTreeMap::new(), None, None);
    for document in serde_yaml::Deserializer::from_str(text) {
        let part = Part::deserialize(document)
            .map_err(|error| FileError::BinaryData(error.to_string()))?;
        for mut part in part.into_all() {
            if part.kind == "ConfigMap" && part.metadata.name == "aws-auth" {
                binary_data = part.binary_data.take().unwrap_or_default();
                let mut annotations = part.metadata.annotations.take().unwrap_or_default();
                meta = annotations.remove(REVISION_ANNOTATION).flatten();
                server = annotations.remove(CLUSTER_ANNOTATION).flatten();
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
    Ok(Filed {
        contents,
        revision,
        server,
    })
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
            let text = write_file(&revision.before, Some(&revision), None);
            let read = read_file(&text).unwrap();
            let contents = Contents { exists: true, ..revision.before.clone() };
            let expected = Filed { contents, revision: Some(revision.clone()), server: None };
            prop_assert_eq!(read, expected, "{}", text);
            let server = Some("https://ABCD.gr7.eu-west-1.eks.amazonaws.com");
            let read = read_file(&write_file(&revision.after, None, server)).unwrap();
            let expected = Filed { contents: revision.after, revision: None, server: server.map(str::to_owned) };
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn words_that_older_yaml_takes_for_something_else_stay_texts() {
        for word in [
            "Y",
            "n",
            "on",
            "1_000",
            "1:30",
            "2001-01-01",
            "~",
            "",
            "0b1",
            "=",
            " a",
            "a: b",
            "- a",
        ] {
            let texts: BTreeMap<String, std::sync::Arc<str>> = [
                ("mapRoles".to_owned(), word.into()),
                ("y".to_owned(), "".into()),
            ]
            .into();
            let contents = Contents {
                exists: true,
                data: texts.clone(),
                binary_data: texts,
                owners_annotation: Some(word.to_owned()),
            };
            let text = write_file(&contents, None, Some("on"));
            let read = read_file(&text).unwrap();
            assert_eq!(read.contents, contents, "{text}");
            assert_eq!(read.server.as_deref(), Some("on"), "{text}");
            let plain: Vec<&str> = text
                .lines()
                .filter(|line| line.ends_with(&format!(": {word}")))
                .collect();
            assert!(plain.is_empty(), "{plain:?}");
        }
    }

    #[test]
    fn one_in_a_list_is_found() {
        let text = r#"{"kind": "List", "apiVersion": "v1", "items": [{"kind": "ConfigMap", "apiVersion": "v1",
            "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": "[]"}, "binaryData": {"b": "AAEC"}}]}"#;
        let contents = read_file(text).unwrap().contents;
        assert_eq!(contents.data["mapRoles"].as_ref(), "[]");
        assert_eq!(contents.binary_data["b"].as_ref(), "AAEC");
    }
}
