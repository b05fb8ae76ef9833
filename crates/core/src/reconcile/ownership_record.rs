//! The record of which object owns which entry. Only the controller may write it, so it is proof, unlike an object's status.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::config::OnWithdrawal;
use super::mapping_object::EntryRecord;

/// Marks the entries that are removed when the configuration no longer grants them.
const REVOKE: &str = " Revoke";

/// The entries that the controller wrote or took ownership of, each for one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnershipRecord {
    claims: BTreeMap<Claim, OnWithdrawal>,
}

/// A digest of an object's UID and an entry's section and key. 12 bytes are 17 in the text, so 10,000 entries take 170 KB. A user
/// who can create objects cannot choose their UIDs.
type Claim = [u8; 12];

impl OwnershipRecord {
    /// Parses the text of a record. Ignores lines that it cannot read: they prove nothing.
    pub fn parse(text: &str) -> Self {
        let claim = |line: &str| {
            let (digest, on_withdrawal) = match line.strip_suffix(REVOKE) {
                Some(digest) => (digest, OnWithdrawal::Revoke),
                None => (line, OnWithdrawal::Keep),
            };
            let digest = URL_SAFE_NO_PAD.decode(digest).ok()?;
            Some((Claim::try_from(digest).ok()?, on_withdrawal))
        };
        Self {
            claims: text.lines().filter_map(claim).collect(),
        }
    }

    /// Returns its text, one line for each entry.
    pub fn to_text(&self) -> String {
        let claims = self.claims.iter();
        let line = |(claim, on_withdrawal): (&Claim, &OnWithdrawal)| {
            let suffix = match on_withdrawal {
                OnWithdrawal::Keep => "",
                OnWithdrawal::Revoke => REVOKE,
            };
            format!("{}{suffix}\n", URL_SAFE_NO_PAD.encode(claim))
        };
        claims.map(line).collect()
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
    }
}

fn claim(uid: &str, entry: &EntryRecord) -> Claim {
    let mut hash = Sha256::new();
    for part in [uid, entry.section.key(), &entry.folded_key()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut claim = Claim::default();
    let length = claim.len();
    claim.copy_from_slice(&hash.finalize()[..length]);
    claim
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
        let read = OwnershipRecord::parse(&format!("{}odd\n\nQUJD\n", record.to_text()));
        assert_eq!(read, record);
        assert!(read.proves("a", &entry(role, "ARN:X")));
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
