//! Which owner applied which entries, so that an owner can remove what it no longer requests and nothing else; and when entries
//! expire.
//!
//! The annotation `awsauth.dev/owners` of the ConfigMap has, for each owner, a short digest of every entry that it
//! applied, computed from the entry's text after the write: `{"ci":["bM1…","x0q…"],"team-a":["q9T…"]}`. Under the name `expires`, which no
//! owner can have, it has the times at which entries expire: `{"expires":{"bM1…":"2027-01-31T18:00:00Z"}}`. It contains no ARNs,
//! and no names except those of owners.
//!
//! # Effects of other clients
//! - Writers that merge or patch (`kubectl apply`, `edit`, `patch`, server-side apply; clients that read, change and write
//!   back the whole object, as EKS and eksctl do) keep it. An entry that they change no longer has its digest: it is not
//!   pruned, and awsauth prints a notice. A different indentation or style is a change, too.
//! - Writers that put another object in its place (`kubectl replace`, `delete` and create, a Terraform resource that
//!   manages all annotations) remove it. Then no entry has an owner: prune removes nothing and reports that, and the next
//!   `apply` with an owner claims the entries that it requests. Earlier entries that it does not request are never pruned.
//! - If the record of an entry's time is removed, or the entry no longer has its digest, the entry does not expire.
//! - A restored old copy (from an undo, a backup, or a manifest that contains the annotation) claims entries by their text
//!   at that time; entries that differ now are not pruned.
//! - If the annotation cannot be read, because it was edited or has a later format, no entry has an owner. It is never rewritten:
//!   [`Owners::to_annotation`] returns it unchanged, until a user removes it
//!   (`kubectl -n kube-system annotate configmap aws-auth awsauth.dev/owners-`).

mod conflicts;
mod digest;
mod document_entries;
mod expiry_record;
mod owner;
mod prunable_entries;

pub use conflicts::{Conflict, conflicts};
pub use digest::{Digest, digest};
pub use document_entries::EntryRef;
pub use expiry_record::{DueEntries, due_entries};
pub use owner::{Owner, OwnerError};
pub use prunable_entries::{Kept, KeptReason, PrunableEntries, prunable_entries};

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use crate::document::{Document, Principal, SectionName, Status};
use digest::{KeyDigest, key_digest, of_entry};

/// The annotation's name.
pub const ANNOTATION: &str = "awsauth.dev/owners";

/// The maximum length in bytes. The API server accepts no more for all annotations of an object:
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go>
const MAX_TEXT: usize = 256 << 10;

/// The contents of the annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    claims: BTreeMap<Owner, BTreeMap<KeyDigest, Digest>>,
    /// When entries expire, each with the digest that it had when that was recorded.
    expiries: BTreeMap<KeyDigest, (Digest, Timestamp)>,
    unreadable: Option<Unreadable>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Unreadable {
    text: String,
    reason: String,
}

impl Owners {
    /// Reads the annotation; `None` is an absent one. Never fails: if the text cannot be read, no entry has an owner.
    pub fn read(annotation: Option<&str>) -> Self {
        let Some(text) = annotation else {
            return Self::default();
        };
        match parse(text) {
            Ok(owners) => owners,
            Err(reason) => Self {
                unreadable: Some(Unreadable {
                    text: text.to_owned(),
                    reason,
                }),
                ..Self::default()
            },
        }
    }

    /// Returns why the annotation could not be read, if so; a fragment.
    pub fn unreadable(&self) -> Option<&str> {
        self.unreadable
            .as_ref()
            .map(|unreadable| unreadable.reason.as_str())
    }

    /// Returns whether this owner has claims. Without claims, prune removes nothing.
    pub fn knows(&self, owner: &Owner) -> bool {
        self.claims.contains_key(owner)
    }

    /// Returns the digests that this owner claims, in the order of the annotation.
    pub fn claims(&self, owner: &Owner) -> impl Iterator<Item = Digest> {
        self.claims
            .get(owner)
            .into_iter()
            .flat_map(|claims| claims.values().copied())
    }

    /// Returns the owner of the entry that the authenticator stores under `key`; the first by name if there are several.
    pub fn owner_of(&self, section: SectionName, key: &str) -> Option<&Owner> {
        self.holders(key_digest(section, key)).next()
    }

    /// Returns the annotation after `owner` has applied `requested` with `document` as the result.
    ///
    /// The owner claims the entry in force of every principal that it requests, even if another client wrote it, and all other
    /// owners lose their claims to it: check [`conflicts`](fn@conflicts) first. The owner keeps its claims to entries that it no longer requests,
    /// as long as an entry with that key exists, so that a later prune finds them. An unreadable annotation is kept unchanged.
    #[must_use]
    pub fn after<'p>(
        &self,
        document: &Document,
        owner: &Owner,
        requested: impl IntoIterator<Item = &'p Principal>,
    ) -> Self {
        if self.unreadable.is_some() {
            return self.clone();
        }
        let requested = document_entries::RequestedKeys::of(requested);
        let mut existing = HashSet::new();
        let mut claimed = BTreeMap::new();
        for (section, entry) in document_entries::entries(document) {
            let digest = of_entry(section, entry);
            existing.insert(digest.key());
            if let Status::Kept(mapping) = &entry.status
                && requested.contains(&mapping.principal)
            {
                // The last entry of a key is the one in force.
                claimed.insert(digest.key(), digest);
            }
        }
        let mut next = self.clone();
        for (holder, claims) in &mut next.claims {
            claims.retain(|key, _| {
                if holder == owner {
                    existing.contains(key)
                } else {
                    !claimed.contains_key(key)
                }
            });
        }
        next.claims
            .entry(owner.clone())
            .or_default()
            .extend(claimed);
        next.claims.retain(|_, claims| !claims.is_empty());
        next
    }

    /// Returns the text of the annotation: owners and their digests in order, without spaces. `None` if there are no claims and no
    /// times.
    pub fn to_annotation(&self) -> Option<String> {
        if let Some(unreadable) = &self.unreadable {
            return Some(unreadable.text.clone());
        }
        let encoded = |claims: &BTreeMap<_, Digest>| -> Vec<_> {
            claims.values().map(|claim| claim.encode()).collect()
        };
        let mut owners: serde_json::Map<_, _> = self
            .claims
            .iter()
            .map(|(owner, claims)| (owner.to_string(), encoded(claims).into()))
            .collect();
        owners.extend(self.encoded_expiries());
        (!owners.is_empty()).then(|| serde_json::Value::Object(owners).to_string())
    }

    fn claim(&self, owner: &Owner, key: KeyDigest) -> Option<Digest> {
        self.claims.get(owner)?.get(&key).copied()
    }

    fn holders(&self, key: KeyDigest) -> impl Iterator<Item = &Owner> {
        self.claims
            .iter()
            .filter(move |(_, claims)| claims.contains_key(&key))
            .map(|(owner, _)| owner)
    }
}

/// The annotation's JSON.
#[derive(Default)]
struct OwnersData {
    expires: Option<BTreeMap<String, String>>,
    owners: BTreeMap<String, BTreeSet<String>>,
}

/// Not derived: `flatten` would keep values of other types in memory before it refuses them, and they need many times the length of
/// their text.
impl<'de> Deserialize<'de> for OwnersData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = OwnersData;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("lists of digests by owner")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OwnersData, A::Error> {
                let mut data = OwnersData::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name != "expires" {
                        data.owners.insert(name, map.next_value()?);
                    } else if data.expires.replace(map.next_value()?).is_some() {
                        return Err(A::Error::duplicate_field("expires"));
                    }
                }
                Ok(data)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

fn parse(text: &str) -> Result<Owners, String> {
    if text.len() > MAX_TEXT {
        return Err("it is longer than 256 KiB".to_owned());
    }
    let OwnersData { expires, owners } =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut claims = BTreeMap::new();
    for (name, texts) in owners {
        let owner = Owner::new(&name).map_err(|error| error.to_string())?;
        let mut digests = BTreeMap::new();
        for text in texts {
            let digest = Digest::decode(&text)
                .ok_or_else(|| format!("`{text}` is not the digest of an entry"))?;
            if digests.insert(digest.key(), digest).is_some() {
                return Err(format!("`{name}` claims one entry twice"));
            }
        }
        claims.insert(owner, digests);
    }
    Ok(Owners {
        claims,
        expiries: expiry_record::decoded(expires.unwrap_or_default())?,
        unreadable: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_longer_than_all_annotations_can_be_is_not_parsed() {
        let spaces = " ".repeat(MAX_TEXT - 2);
        let read = |text: &str| Owners::read(Some(text));
        assert_eq!(read(&format!("{{{spaces}}}")).unreadable(), None);
        let longer = format!("{{{spaces} }}");
        let owners = read(&longer);
        assert!(
            owners
                .unreadable()
                .is_some_and(|why| why.contains("256 KiB"))
        );
        assert_eq!(owners.to_annotation(), Some(longer));
    }

    #[test]
    fn value_of_another_type_is_not_kept() {
        let nested = format!("{{\"a\":[{}0]}}", "[[]],".repeat(20));
        let why = read_error(&nested);
        assert!(
            why.contains("expected a string") && why.contains("line 1 column"),
            "{why}"
        );
        assert!(read_error("{\"expires\":{},\"expires\":{}}").contains("expires"));
    }

    fn read_error(text: &str) -> String {
        let owners = Owners::read(Some(text));
        owners.unreadable().unwrap_or_default().to_owned()
    }
}
