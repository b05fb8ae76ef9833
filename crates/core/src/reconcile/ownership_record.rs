//! The record of which object owns which entry. Only the controller may write it, so it is proof, unlike an object's status.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::config::OnWithdrawal;
use super::mapping_object::EntryRecord;
use crate::arn::principal_key;

/// Marks the entries that are removed when the configuration no longer grants them.
const REVOKE: &str = " Revoke";
/// Marks the content of such an entry.
const REVOCABLE: &str = " Revocable";
/// Marks the claims on access entries.
const ACCESS_ENTRY: &str = " AccessEntry";

/// The entries that the controller wrote or took ownership of, each for one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnershipRecord {
    claims: BTreeMap<Claim, OnWithdrawal>,
    /// Separate, so that they can be kept while EKS does not return all access entries.
    access_entry_claims: BTreeMap<Claim, OnWithdrawal>,
    /// The entries that are removed when the configuration no longer grants them, even if their object is gone.
    revocable: BTreeSet<Content>,
}

/// A digest of an object's UID and an entry's section and key. 12 bytes are 17 in the text, so 10,000 entries take 170 KB, and
/// three times as much if they are revocable. A user who can create objects cannot choose their UIDs.
type Claim = [u8; 12];
/// A digest of an entry's section, key, username and groups. An entry that another client has changed has another one.
type Content = [u8; 12];

impl OwnershipRecord {
    /// Parses the text of a record. Ignores lines that it cannot read: they prove nothing.
    pub fn parse(text: &str) -> Self {
        let mut record = Self::default();
        let digest = |text: &str| <[u8; 12]>::try_from(URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        for line in text.lines() {
            if let Some(content) = line.strip_suffix(REVOCABLE) {
                record.revocable.extend(digest(content));
                continue;
            }
            let (claim, on_withdrawal) = match line.strip_suffix(REVOKE) {
                Some(claim) => (claim, OnWithdrawal::Revoke),
                None => (line, OnWithdrawal::Keep),
            };
            let (claim, claims) = match claim.strip_suffix(ACCESS_ENTRY) {
                Some(claim) => (claim, &mut record.access_entry_claims),
                None => (claim, &mut record.claims),
            };
            let claim = digest(claim).map(|claim| (claim, on_withdrawal));
            claims.extend(claim);
        }
        record
    }

    /// Returns its text, one line for each entry, and another for each revocable one.
    pub fn to_text(&self) -> String {
        let line = |claim: &Claim, kind: &str, on_withdrawal: &OnWithdrawal| {
            let suffix = match on_withdrawal {
                OnWithdrawal::Keep => "",
                OnWithdrawal::Revoke => REVOKE,
            };
            format!("{}{kind}{suffix}\n", URL_SAFE_NO_PAD.encode(claim))
        };
        let claims = self.claims.iter();
        let claims = claims.map(|(claim, on_withdrawal)| line(claim, "", on_withdrawal));
        let of_access_entries = self.access_entry_claims.iter();
        let of_access_entries = of_access_entries
            .map(|(claim, on_withdrawal)| line(claim, ACCESS_ENTRY, on_withdrawal));
        let revocable = self.revocable.iter();
        let revocable =
            revocable.map(|content| format!("{}{REVOCABLE}\n", URL_SAFE_NO_PAD.encode(content)));
        claims.chain(of_access_entries).chain(revocable).collect()
    }

    /// Returns whether the object with this UID owns the entry.
    pub fn proves(&self, uid: &str, entry: &EntryRecord) -> bool {
        self.get(uid, entry).is_some()
    }

    /// Returns what happens to the entry when it is no longer granted, if the object owns it.
    pub(super) fn get(&self, uid: &str, entry: &EntryRecord) -> Option<OnWithdrawal> {
        self.claims.get(&claim(uid, entry)).copied()
    }

    pub(super) fn insert(&mut self, uid: &str, entry: &EntryRecord, on_withdrawal: OnWithdrawal) {
        self.claims.insert(claim(uid, entry), on_withdrawal);
        if on_withdrawal == OnWithdrawal::Revoke {
            self.insert_revocable(entry);
        }
    }

    /// Returns whether the object with this UID may own the access entry of this principal. The entry's tag must name the object, too.
    pub fn proves_access_entry(&self, uid: &str, principal_arn: &str) -> bool {
        self.get_access_entry(uid, principal_arn).is_some()
    }

    /// Returns what happens to the access entry when it is no longer granted.
    pub(super) fn get_access_entry(&self, uid: &str, principal_arn: &str) -> Option<OnWithdrawal> {
        let claim = access_entry_claim(uid, principal_arn);
        // Earlier versions did not mark these claims.
        let found = self.access_entry_claims.get(&claim);
        found.or_else(|| self.claims.get(&claim)).copied()
    }

    pub(super) fn insert_access_entry(
        &mut self,
        uid: &str,
        principal_arn: &str,
        on_withdrawal: OnWithdrawal,
    ) {
        let claim = access_entry_claim(uid, principal_arn);
        self.access_entry_claims.insert(claim, on_withdrawal);
    }

    /// Adds the claims on access entries of another record that this one lacks.
    pub(super) fn insert_missing_access_entries(&mut self, other: &Self) {
        for (claim, on_withdrawal) in &other.access_entry_claims {
            self.access_entry_claims
                .entry(*claim)
                .or_insert(*on_withdrawal);
        }
    }

    /// Returns whether any entry is revocable.
    pub(super) fn has_revocable(&self) -> bool {
        !self.revocable.is_empty()
    }

    /// Returns whether an entry with this content is removed when the configuration no longer grants it, even if its object is gone.
    pub fn is_revocable(&self, entry: &EntryRecord) -> bool {
        self.revocable.contains(&content(entry))
    }

    pub(super) fn insert_revocable(&mut self, entry: &EntryRecord) {
        self.revocable.insert(content(entry));
    }

    /// Adds all revocable entries of another record.
    pub(super) fn insert_all_revocable(&mut self, other: &Self) {
        self.revocable.extend(&other.revocable);
    }
}

fn claim(uid: &str, entry: &EntryRecord) -> Claim {
    digest([uid, entry.section.key(), &entry.folded_key()])
}

/// Returns the claim on the access entry of a principal, with or without its IAM path.
fn access_entry_claim(uid: &str, principal_arn: &str) -> Claim {
    digest([uid, "accessEntries", &principal_key(principal_arn)])
}

fn content(entry: &EntryRecord) -> Content {
    let groups: BTreeSet<&str> = entry.groups.iter().map(String::as_str).collect();
    let parts = [entry.section.key(), &entry.folded_key(), &entry.username];
    digest(parts.into_iter().chain(groups))
}

fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> [u8; 12] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut digest = [0; 12];
    let length = digest.len();
    digest.copy_from_slice(&hash.finalize()[..length]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::SectionName;

    fn entry(section: SectionName, key: &str) -> EntryRecord {
        EntryRecord {
            section,
            key: key.to_owned(),
            username: "u".to_owned(),
            groups: Vec::new(),
        }
    }

    #[test]
    fn record_is_read_back_and_proves_only_its_entries() {
        let (role, user) = (SectionName::Roles, SectionName::Users);
        let mut record = OwnershipRecord::default();
        record.insert("a", &entry(role, "arn:x"), OnWithdrawal::Keep);
        record.insert("b", &entry(role, "arn:y"), OnWithdrawal::Revoke);
        record.insert_access_entry("a", "arn:z", OnWithdrawal::Keep);
        record.insert_access_entry("b", "arn:z", OnWithdrawal::Revoke);
        let read = OwnershipRecord::parse(&format!("{}odd\n\nQUJD\n", record.to_text()));
        assert_eq!(read, record);
        assert!(
            read.is_revocable(&entry(role, "ARN:Y")) && !read.is_revocable(&entry(role, "arn:x"))
        );
        for changed in [
            EntryRecord {
                username: "v".to_owned(),
                ..entry(role, "arn:y")
            },
            EntryRecord {
                groups: vec!["g".to_owned()],
                ..entry(role, "arn:y")
            },
            entry(user, "arn:y"),
        ] {
            assert!(!read.is_revocable(&changed), "{changed:?}");
        }
        assert!(read.proves("a", &entry(role, "ARN:X")));
        assert_eq!(
            ["a", "b", "c"].map(|uid| read.get_access_entry(uid, "arn:z")),
            [Some(OnWithdrawal::Keep), Some(OnWithdrawal::Revoke), None]
        );
        let unmarked = OwnershipRecord::parse(&record.to_text().replace(ACCESS_ENTRY, ""));
        assert!(unmarked.proves_access_entry("b", "arn:z"));
        assert_eq!(
            read.get("b", &entry(role, "arn:y")),
            Some(OnWithdrawal::Revoke)
        );
        for (uid, other) in [
            ("b", entry(role, "arn:x")),
            ("a", entry(user, "arn:x")),
            ("a", entry(role, "arn:y")),
            ("", entry(role, "aarn:x")),
        ] {
            assert!(!read.proves(uid, &other), "{uid} {other:?}");
        }
    }
}
