//! The aws-auth ConfigMap as read, and a change to it. Both are the same for a manifest file and a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The aws-auth ConfigMap as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All keys of `data`, including those that the authenticator ignores.
    pub data: BTreeMap<String, Arc<str>>,
    /// All keys of `binaryData`, in base64 as in the object; empty for a file.
    pub binary_data: BTreeMap<String, Arc<str>>,
    /// The annotation [`OWNERS_ANNOTATION`], if present.
    pub owners_annotation: Option<String>,
    /// `metadata.uid` of the stored object; `None` for a file.
    pub uid: Option<String>,
    /// `metadata.resourceVersion` of the stored object; `None` for a file.
    pub resource_version: Option<String>,
}

/// What a write changes. Everything else is preserved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The keys of `data` whose text changes, each with its new text; `None` removes the key.
    pub data: BTreeMap<&'static str, Option<Arc<str>>>,
    /// The new text of the annotation [`OWNERS_ANNOTATION`]; `Some(None)` removes it, `None` keeps it.
    pub owners_annotation: Option<Option<String>>,
    /// The same for keys of `data` that are not sections. Only a rollback or restore changes them.
    pub other_data: BTreeMap<String, Option<Arc<str>>>,
    /// The same for `binaryData`.
    pub binary_data: BTreeMap<String, Option<Arc<str>>>,
}

impl Change {
    /// Returns whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
            && self.owners_annotation.is_none()
            && self.other_data.is_empty()
            && self.binary_data.is_empty()
    }

    /// Returns the keys of `data` that change, sections and others, each with its new text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let sections = self.data.iter();
        let sections = sections.map(|(key, text)| (*key, text.as_deref()));
        let others = self.other_data.iter();
        sections.chain(others.map(|(key, text)| (key.as_str(), text.as_deref())))
    }
}

/// The annotation that records which owner applied which mappings.
pub const OWNERS_ANNOTATION: &str = "awsauth.dev/owners";
