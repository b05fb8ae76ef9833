//! The contents of aws-auth that the history keeps.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::aws_auth_snapshot::{OWNERS_ANNOTATION, Snapshot};

/// The part of aws-auth that the history keeps and a restore writes. Labels, other annotations and field managers are not restored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Whether aws-auth exists.
    pub exists: bool,
    /// Every key of `data`.
    pub data: BTreeMap<String, Arc<str>>,
    /// Every key of `binaryData`, in base64 as the object has it.
    pub binary_data: BTreeMap<String, Arc<str>>,
    /// The annotation [`OWNERS_ANNOTATION`].
    pub owners_annotation: Option<String>,
}

impl Contents {
    /// Returns the contents of a stored object.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            exists: snapshot.resource_version.is_some(),
            data: snapshot.data.clone(),
            binary_data: snapshot.binary_data.clone(),
            owners_annotation: snapshot.owners_annotation.clone(),
        }
    }

    /// Returns the contents as a plan reads them.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            data: self.data.clone(),
            binary_data: self.binary_data.clone(),
            owners_annotation: self.owners_annotation.clone(),
            ..Snapshot::default()
        }
    }

    /// Returns the same contents of an existing aws-auth. If there was none, it is empty: a restore never deletes aws-auth.
    #[must_use]
    pub fn existing(&self) -> Self {
        Self {
            exists: true,
            ..self.clone()
        }
    }

    /// Returns the digest, which is equal only for equal contents.
    pub fn digest(&self) -> Digest {
        if !self.exists {
            return Digest(MISSING.to_owned());
        }
        let mut hash = Sha256::new();
        // Each value with its length, so that different contents never hash the same bytes.
        let mut text = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        for (name, map) in [("data", &self.data), ("binaryData", &self.binary_data)] {
            for (key, value) in map {
                text(name);
                text(key);
                text(value);
            }
        }
        if let Some(owners) = &self.owners_annotation {
            text(OWNERS_ANNOTATION);
            text(owners);
        }
        Digest(hex::encode(hash.finalize()))
    }
}

/// The digest if aws-auth does not exist.
const MISSING: &str = "missing";

/// The SHA-256 of contents in hex, or the word for a missing aws-auth. Displayed shortened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(pub(super) String);

impl Digest {
    /// Returns the complete digest.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}
