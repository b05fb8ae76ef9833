//! A revision or a backup as a file: a ConfigMap that kubectl can apply, too.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Contents;
use super::revision::{Meta, Revision, check_version};
use crate::aws_auth_snapshot::OWNERS_ANNOTATION;
use crate::manifest::{Manifest, ManifestError};
use goyaml::edit::DEFAULT_STEP;
use goyaml::edit::scalar_style::Spelling;

/// The annotation with everything of a revision except aws-auth before the write.
const REVISION_ANNOTATION: &str = "awsauth.dev/revision";
/// The annotation with the API server of the cluster that a backup is from.
const CLUSTER_ANNOTATION: &str = "awsauth.dev/cluster";

/// Why contents cannot be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not a manifest of aws-auth.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its `binaryData` cannot be read.
    #[error("its binaryData cannot be read: {0}")]
    BinaryData(String),
}

/// The fields that [`Manifest`] does not read.
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

/// The contents of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFile {
    pub contents: Contents,
    /// The revision, if the file has a complete one.
    pub revision: Option<Revision>,
    /// The API server of the cluster that the backup is from, if recorded.
    pub server: Option<String>,
}

/// Writes the contents as YAML, with the metadata of `revision` if they are those before its write, and the API server if given.
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

/// Appends a mapping of strings, quoted so that every YAML parser reads them unchanged; nothing if there are none.
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
/// If the file has no such ConfigMap, or cannot be read.
pub fn read_file(text: &str) -> Result<BackupFile, FileError> {
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
    Ok(BackupFile {
        contents,
        revision,
        server,
    })
}

impl Part {
    /// Returns this document and the items of its list.
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
        fn written_files_read_back(revision in revision()) {
            let text = write_file(&revision.before, Some(&revision), None);
            let read = read_file(&text).unwrap();
            let contents = Contents { exists: true, ..revision.before.clone() };
            let expected = BackupFile { contents, revision: Some(revision.clone()), server: None };
            prop_assert_eq!(read, expected, "{}", text);
            let server = Some("https://ABCD.gr7.eu-west-1.eks.amazonaws.com");
            let read = read_file(&write_file(&revision.after, None, server)).unwrap();
            let expected = BackupFile { contents: revision.after, revision: None, server: server.map(str::to_owned) };
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn yaml_1_1_keywords_are_quoted() {
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
    fn aws_auth_in_a_list_is_read() {
        let text = r#"{"kind": "List", "apiVersion": "v1", "items": [{"kind": "ConfigMap", "apiVersion": "v1",
            "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": "[]"}, "binaryData": {"b": "AAEC"}}]}"#;
        let contents = read_file(text).unwrap().contents;
        assert_eq!(contents.data["mapRoles"].as_ref(), "[]");
        assert_eq!(contents.binary_data["b"].as_ref(), "AAEC");
    }
}
