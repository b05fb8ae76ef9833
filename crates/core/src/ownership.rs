//! Which owner applied which entries, so that an owner can remove what it no longer requests and nothing else.
//!
//! The annotation `awsauth.dev/owners` of the ConfigMap has, for each owner, a short digest of every entry that it
//! applied, as the entry was in the text afterwards: `{"ci":["bM1…","x0q…"],"team-a":["q9T…"]}`. It holds no ARNs and no
//! names but the owners'.
//!
//! # What other clients do to it
//! - Writers that merge or patch (`kubectl apply`, `edit`, `patch`, server-side apply; clients that read, change and write
//!   back the whole object, as EKS and eksctl do) leave it as it is. An entry that they change no longer has its digest: it
//!   is not pruned, with a notice. Re-indenting or re-marshalling counts as a change.
//! - Writers that put another object in its place (`kubectl replace`, `delete` and create, a Terraform resource that
//!   manages all annotations) drop it. Then everything is unowned: prune removes nothing and says so, and the next `apply`
//!   with an owner claims anew what it asks for. What had been applied before and is not asked for by then stays for good.
//! - An old copy that is put back (an undo, a restored backup, a manifest that carries it) claims entries by what they were
//!   then; those that read otherwise by now are not touched.
//! - An annotation that cannot be read, by hand or by a later version of this format, gives no owner any entry. It is never rewritten:
//!   [`Owners::to_annotation`] returns it unchanged, until a user removes it
//!   (`kubectl -n kube-system annotate configmap aws-auth awsauth.dev/owners-`).

mod digest;
mod name;
mod prune;

pub use digest::{Digest, digest};
pub use name::{Owner, OwnerError};
pub use prune::{Conflict, EntryRef, Kept, KeptReason, Pruned, conflicts, prune};

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::document::{Document, Principal, SectionName, Status};
use digest::{KeyDigest, key_digest, of_entry};

/// The annotation's name.
pub const ANNOTATION: &str = "awsauth.dev/owners";

/// What the annotation says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    claims: BTreeMap<Owner, BTreeMap<KeyDigest, Digest>>,
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
            Ok(claims) => Self {
                claims,
                unreadable: None,
            },
            Err(reason) => Self {
                claims: BTreeMap::new(),
                unreadable: Some(Unreadable {
                    text: text.to_owned(),
                    reason,
                }),
            },
        }
    }

    /// Why the annotation could not be read, if so; a fragment.
    pub fn unreadable(&self) -> Option<&str> {
        self.unreadable
            .as_ref()
            .map(|unreadable| unreadable.reason.as_str())
    }

    /// Whether this owner has claims. Without, prune removes nothing.
    pub fn knows(&self, owner: &Owner) -> bool {
        self.claims.contains_key(owner)
    }

    /// The digests that this owner claims, in the order in which the annotation lists them.
    pub fn claims(&self, owner: &Owner) -> impl Iterator<Item = Digest> {
        self.claims
            .get(owner)
            .into_iter()
            .flat_map(|claims| claims.values().copied())
    }

    /// Who claims the entry that the authenticator stores under `key`; the first by name, should there be several.
    pub fn owner_of(&self, section: SectionName, key: &str) -> Option<&Owner> {
        self.holders(key_digest(section, key)).next()
    }

    /// The annotation after `owner` has applied `wanted` and `document` is the result.
    ///
    /// The owner claims the entry in force of every principal that it requests, no matter which client wrote it, and no other owner
    /// claims it then: see [`conflicts`] first. It keeps its claims to entries that it no longer asks for, as long as an entry of
    /// that key is there, so that a later prune finds them. An unreadable annotation stays as it is.
    #[must_use]
    pub fn after<'p>(
        &self,
        document: &Document,
        owner: &Owner,
        wanted: impl IntoIterator<Item = &'p Principal>,
    ) -> Self {
        if self.unreadable.is_some() {
            return self.clone();
        }
        let wanted = prune::WantedKeys::of(wanted);
        let mut standing = HashSet::new();
        let mut asked_for = BTreeMap::new();
        for (section, entry) in prune::entries(document) {
            let digest = of_entry(section, entry);
            standing.insert(digest.key());
            if let Status::Kept(mapping) = &entry.status
                && wanted.holds(&mapping.principal)
            {
                // The last entry of a key is the one in force.
                asked_for.insert(digest.key(), digest);
            }
        }
        let mut next = self.clone();
        for (holder, claims) in &mut next.claims {
            claims.retain(|key, _| {
                if holder == owner {
                    standing.contains(key)
                } else {
                    !asked_for.contains_key(key)
                }
            });
        }
        next.claims
            .entry(owner.clone())
            .or_default()
            .extend(asked_for);
        next.claims.retain(|_, claims| !claims.is_empty());
        next
    }

    /// The annotation's text: owners and their digests in order, no blanks. `None` if there are no claims.
    pub fn to_annotation(&self) -> Option<String> {
        if let Some(unreadable) = &self.unreadable {
            return Some(unreadable.text.clone());
        }
        let encoded = |claims: &BTreeMap<_, Digest>| -> Vec<_> {
            claims.values().map(|claim| claim.encode()).collect()
        };
        let owners: serde_json::Map<_, _> = self
            .claims
            .iter()
            .map(|(owner, claims)| (owner.to_string(), encoded(claims).into()))
            .collect();
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

fn parse(text: &str) -> Result<BTreeMap<Owner, BTreeMap<KeyDigest, Digest>>, String> {
    let owners: BTreeMap<String, BTreeSet<String>> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut claims = BTreeMap::new();
    for (name, texts) in owners {
        let owner = Owner::new(&name).map_err(|error| error.to_string())?;
        let mut digests = BTreeMap::new();
        for text in texts {
            let digest = Digest::decode(&text)
                .ok_or_else(|| format!("`{text}` is no digest of an entry"))?;
            if digests.insert(digest.key(), digest).is_some() {
                return Err(format!("`{name}` claims one entry twice"));
            }
        }
        claims.insert(owner, digests);
    }
    Ok(claims)
}
