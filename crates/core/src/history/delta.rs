//! The difference between two states of aws-auth, as replaced byte ranges. It is much shorter than the new state.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Contents;

/// The changes from old contents to the contents of an existing aws-auth.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Delta {
    #[serde(default, skip_serializing_if = "TextsDelta::is_empty")]
    data: TextsDelta,
    #[serde(
        default,
        rename = "binaryData",
        skip_serializing_if = "TextsDelta::is_empty"
    )]
    binary_data: TextsDelta,
    /// `None` if the annotation is unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owners: Option<Owners>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Owners {
    is: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct TextsDelta {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gone: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    changed: BTreeMap<String, Splice>,
}

/// A byte range, and the text that replaces it. A missing text is treated as an empty one.
#[derive(Debug, Serialize, Deserialize)]
struct Splice {
    from: usize,
    to: usize,
    put: String,
}

type Texts = BTreeMap<String, Arc<str>>;

impl Delta {
    pub(super) fn between(before: &Contents, after: &Contents) -> Self {
        let owners = (before.owners_annotation != after.owners_annotation).then(|| Owners {
            is: after.owners_annotation.clone(),
        });
        Self {
            data: TextsDelta::between(&before.data, &after.data),
            binary_data: TextsDelta::between(&before.binary_data, &after.binary_data),
            owners,
        }
    }

    /// Applies the changes to `before`; `None` if they do not fit.
    pub(super) fn apply_to(self, before: &Contents) -> Option<Contents> {
        Some(Contents {
            exists: true,
            data: self.data.apply_to(&before.data)?,
            binary_data: self.binary_data.apply_to(&before.binary_data)?,
            owners_annotation: match self.owners {
                Some(owners) => owners.is,
                None => before.owners_annotation.clone(),
            },
        })
    }
}

impl TextsDelta {
    fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.changed.is_empty()
    }

    fn between(before: &Texts, after: &Texts) -> Self {
        let gone = before.keys().filter(|key| !after.contains_key(*key));
        let changed = after
            .iter()
            .filter(|(key, text)| before.get(*key) != Some(text))
            .map(|(key, text)| {
                let was = before.get(key).map(AsRef::as_ref).unwrap_or_default();
                (key.clone(), Splice::between(was, text))
            });
        Self {
            gone: gone.cloned().collect(),
            changed: changed.collect(),
        }
    }

    fn apply_to(self, before: &Texts) -> Option<Texts> {
        let mut after = before.clone();
        for key in &self.gone {
            after.remove(key)?;
        }
        for (key, splice) in self.changed {
            let was = before.get(&key).map(AsRef::as_ref).unwrap_or_default();
            after.insert(key, splice.apply_to(was)?.into());
        }
        Some(after)
    }
}

impl Splice {
    fn between(before: &str, after: &str) -> Self {
        let pairs = before.chars().zip(after.chars());
        let from = pairs
            .take_while(|(was, is)| was == is)
            .map(|(is, _)| is.len_utf8())
            .sum();
        let (before_end, after_end) = (&before[from..], &after[from..]);
        let pairs = before_end.chars().rev().zip(after_end.chars().rev());
        let same: usize = pairs
            .take_while(|(was, is)| was == is)
            .map(|(is, _)| is.len_utf8())
            .sum();
        Self {
            from,
            to: before.len() - same,
            put: after[from..after.len() - same].to_owned(),
        }
    }

    fn apply_to(self, before: &str) -> Option<String> {
        let (head, tail) = (before.get(..self.from)?, before.get(self.to..)?);
        (self.from <= self.to).then(|| [head, &self.put, tail].concat())
    }
}
