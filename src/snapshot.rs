//! What was read of aws-auth and what is to be written, alike for a manifest file and a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The aws-auth ConfigMap as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Every key of `data`, those the authenticator ignores included.
    pub data: BTreeMap<String, Arc<str>>,
    /// Every key of `binaryData`, in base64 as the object has it; empty for a file.
    pub binary_data: BTreeMap<String, Arc<str>>,
    /// The annotation [`OWNERS_ANNOTATION`], when there is one.
    pub owners_annotation: Option<String>,
    /// `metadata.uid` of the stored object; `None` for a file.
    pub uid: Option<String>,
    /// `metadata.resourceVersion` of the stored object; `None` for a file.
    pub resource_version: Option<String>,
}

/// What a write changes. Nothing that is not named here changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The keys of `data` whose text changes, each with its new text; `None` removes the key.
    pub data: BTreeMap<&'static str, Option<Arc<str>>>,
    /// The new text of the annotation [`OWNERS_ANNOTATION`], `Some(None)` to remove it, `None` to leave it alone.
    pub owners_annotation: Option<Option<String>>,
    /// The same for keys of `data` that are no sections, which only going back to a kept text changes.
    pub other_data: BTreeMap<String, Option<Arc<str>>>,
    /// The same for `binaryData`.
    pub binary_data: BTreeMap<String, Option<Arc<str>>>,
}

impl Change {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
            && self.owners_annotation.is_none()
            && self.other_data.is_empty()
            && self.binary_data.is_empty()
    }

    /// The keys of `data` that change, sections and others, each with its new text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let sections = self.data.iter();
        let sections = sections.map(|(key, text)| (*key, text.as_deref()));
        let others = self.other_data.iter();
        sections.chain(others.map(|(key, text)| (key.as_str(), text.as_deref())))
    }
}

/// The annotation that remembers who applied which mappings.
pub const OWNERS_ANNOTATION: &str = "awsauth.dev/owners";
