//! The record of which object owns which entry. Only the controller may write it, so it is proof, unlike an object's status.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::config::OnWithdrawal;
use super::mapping_object::{DeletionPolicy, EntryRecord, Object, ObjectKind};
use crate::arn::principal_key;

/// Marks the entries that are removed when the configuration no longer grants them.
const REVOKE: &str = " Revoke";
/// Marks the content of such an entry.
const REVOCABLE: &str = " Revocable";
/// Marks the claims on access entries.
const ACCESS_ENTRY: &str = " AccessEntry";
/// Marks the content and the owner of an entry.
const OWNER: &str = " Owner";
/// Marks the content and the owner of an entry that is removed if the owner vanishes.
const DELETE: &str = " Delete";
/// Marks the claim on an access entry that is deleted if its object vanishes. Earlier versions ignore such lines, and keep the claim.
const DELETE_ACCESS_ENTRY: &str = " DeleteAccessEntry";
/// How long the text may be so that marks of owners are added: the API server stores at most 1 MiB of data in a ConfigMap.
const MAX_LENGTH: usize = 900 << 10;

/// The entries that the controller wrote or took ownership of, each for one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnershipRecord {
    claims: BTreeMap<Claim, OnWithdrawal>,
    /// Separate, so that they can be kept while EKS does not return all access entries.
    access_entry_claims: BTreeMap<Claim, OnWithdrawal>,
    /// The entries that are removed when the configuration no longer grants them, even if their object is gone.
    revocable: BTreeSet<Content>,
    /// The owners of entries of aws-auth. They find the owner of an entry that no status names, but do not prove it.
    owners: BTreeMap<Content, Owner>,
    /// The access entries that are deleted if their object vanishes.
    deleted_with_object: BTreeSet<Claim>,
}

/// The owner of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner {
    uid: UidDigest,
    /// Whether the entry is removed if the object does not exist any more.
    is_deleted_with_object: bool,
}

/// A digest of an object's UID and an entry's section and key. 12 bytes are 17 in the text, so 10,000 entries take 170 KB, and
/// three times as much if they are revocable. Their owners take another 320 KB. A user who can create objects cannot choose their
/// UIDs.
type Claim = [u8; 12];
/// A digest of an object's UID. Two objects with the same one would keep an entry, not lose it.
type UidDigest = [u8; 6];
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
            if let Some(claim) = line.strip_suffix(DELETE_ACCESS_ENTRY) {
                record.deleted_with_object.extend(digest(claim));
                continue;
            }
            let of_object = line.strip_suffix(DELETE);
            if let Some(owner) = of_object.or_else(|| line.strip_suffix(OWNER)) {
                record
                    .owners
                    .extend(Owner::parse(owner, of_object.is_some()));
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
        let owners = self.owners.iter();
        let owners = owners.map(|(content, owner)| owner.to_line(content));
        let deleted = self.deleted_with_object.iter();
        let deleted = deleted
            .map(|claim| format!("{}{DELETE_ACCESS_ENTRY}\n", URL_SAFE_NO_PAD.encode(claim)));
        let all = claims.chain(of_access_entries).chain(revocable);
        all.chain(owners).chain(deleted).collect()
    }

    /// Returns whether the object with this UID owns the entry.
    pub fn proves(&self, uid: &str, entry: &EntryRecord) -> bool {
        self.get(uid, entry).is_some()
    }

    /// Returns what happens to the entry when it is no longer granted, if the object owns it.
    pub(super) fn get(&self, uid: &str, entry: &EntryRecord) -> Option<OnWithdrawal> {
        self.claims.get(&claim(uid, entry)).copied()
    }

    /// Adds an entry of an object.
    pub(super) fn insert(
        &mut self,
        object: &Object,
        entry: &EntryRecord,
        on_withdrawal: OnWithdrawal,
    ) {
        self.claims.insert(claim(&object.uid, entry), on_withdrawal);
        if on_withdrawal == OnWithdrawal::Revoke {
            self.insert_revocable(entry);
        }
        let owner = Owner {
            uid: uid_digest(&object.uid),
            is_deleted_with_object: is_deleted_with(object),
        };
        self.owners.insert(content(entry), owner);
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

    /// Adds the access entry of an object.
    pub(super) fn insert_access_entry(
        &mut self,
        object: &Object,
        principal_arn: &str,
        on_withdrawal: OnWithdrawal,
    ) {
        let claim = access_entry_claim(&object.uid, principal_arn);
        self.access_entry_claims.insert(claim, on_withdrawal);
        match is_deleted_with(object) {
            true => self.deleted_with_object.insert(claim),
            false => self.deleted_with_object.remove(&claim),
        };
    }

    /// Adds an access entry that stays when its object is gone, until the configuration no longer grants it.
    pub(super) fn insert_revocable_access_entry(&mut self, uid: &str, principal_arn: &str) {
        let claim = access_entry_claim(uid, principal_arn);
        self.access_entry_claims.insert(claim, OnWithdrawal::Revoke);
        self.deleted_with_object.remove(&claim);
    }

    /// Copies what another record contains about an access entry.
    pub(super) fn copy_access_entry(&mut self, other: &Self, uid: &str, principal_arn: &str) {
        let claim = access_entry_claim(uid, principal_arn);
        let on_withdrawal = other.get_access_entry(uid, principal_arn);
        self.access_entry_claims
            .extend(on_withdrawal.map(|on_withdrawal| (claim, on_withdrawal)));
        let deleted = other.deleted_with_object.get(&claim);
        self.deleted_with_object.extend(deleted);
    }

    /// Returns whether the access entry is deleted if the object with this UID does not exist any more.
    pub(super) fn deletes_access_entry_with(&self, uid: &str, principal_arn: &str) -> bool {
        let claim = access_entry_claim(uid, principal_arn);
        self.deleted_with_object.contains(&claim)
    }

    /// Adds the claims on access entries of another record that this one lacks.
    pub(super) fn insert_missing_access_entries(&mut self, other: &Self) {
        for (claim, on_withdrawal) in &other.access_entry_claims {
            if !self.access_entry_claims.contains_key(claim) {
                self.access_entry_claims.insert(*claim, *on_withdrawal);
                let deleted = other.deleted_with_object.get(claim);
                self.deleted_with_object.extend(deleted);
            }
        }
    }

    /// Returns whether it names owners.
    pub(super) fn has_owners(&self) -> bool {
        !self.owners.is_empty()
    }

    /// Returns the digest of the UID of the object that may own an entry with this content. [`proves`](Self::proves) decides.
    pub(super) fn owner_of(&self, entry: &EntryRecord) -> Option<UidDigest> {
        Some(self.owners.get(&content(entry))?.uid)
    }

    /// Returns the digest of the UID of the object with which an entry with this content must be removed.
    pub(super) fn deleted_with(&self, entry: &EntryRecord) -> Option<UidDigest> {
        let owner = self.owners.get(&content(entry))?;
        owner.is_deleted_with_object.then_some(owner.uid)
    }

    /// Adds the owner of an entry from another record, unless this one has another owner.
    pub(super) fn copy_owner(&mut self, other: &Self, entry: &EntryRecord) {
        let content = content(entry);
        if let Some(owner) = other.owners.get(&content) {
            self.owners.entry(content).or_insert(*owner);
        }
    }

    /// Adds all owners of another record that this one lacks.
    pub(super) fn insert_missing_owners(&mut self, other: &Self) {
        for (content, owner) in &other.owners {
            self.owners.entry(*content).or_insert(*owner);
        }
    }

    /// Forgets which entries are removed if their object vanishes.
    pub fn forget_owners(&mut self) {
        self.owners.clear();
        self.deleted_with_object.clear();
    }

    /// Removes owners until the text is short enough to be stored: without them, only the entries of objects that vanish stay.
    pub(super) fn limit_length(&mut self) {
        let digest = 17;
        let claim = digest + REVOKE.len();
        let others = self.claims.len() * claim
            + self.access_entry_claims.len() * (claim + ACCESS_ENTRY.len())
            + self.revocable.len() * (digest + REVOCABLE.len())
            + self.deleted_with_object.len() * (digest + DELETE_ACCESS_ENTRY.len());
        let owner = 25 + OWNER.len().max(DELETE.len());
        let max = MAX_LENGTH.saturating_sub(others) / owner;
        while self.owners.len() > max {
            self.owners.pop_last();
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

impl Owner {
    /// Parses a digest of an entry's content and one of its owner's UID.
    fn parse(text: &str, is_deleted_with_object: bool) -> Option<(Content, Self)> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (content, uid) = bytes.split_at_checked(12)?;
        let owner = Self {
            uid: uid.try_into().ok()?,
            is_deleted_with_object,
        };
        Some((content.try_into().ok()?, owner))
    }

    fn to_line(self, content: &Content) -> String {
        let digests = [content.as_slice(), self.uid.as_slice()].concat();
        let mark = match self.is_deleted_with_object {
            true => DELETE,
            false => OWNER,
        };
        format!("{}{mark}\n", URL_SAFE_NO_PAD.encode(digests))
    }
}

/// Returns whether the entries of an object are removed if it does not exist any more. Not those of an IAMIdentityMapping: the
/// controller may run without reading that kind.
fn is_deleted_with(object: &Object) -> bool {
    object.kind == ObjectKind::AwsAuthMapping && object.deletion() == DeletionPolicy::Delete
}

/// Returns the digest that [`OwnershipRecord::owner_of`] returns for an object.
pub(super) fn uid_digest(uid: &str) -> UidDigest {
    let [a, b, c, d, e, f, ..] = digest([uid]);
    [a, b, c, d, e, f]
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
    use super::super::mapping_object::{InvalidSpec, Status};
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

    fn object(uid: &str, deletion: DeletionPolicy) -> Object {
        Object {
            kind: ObjectKind::AwsAuthMapping,
            name: uid.to_owned(),
            uid: uid.to_owned(),
            generation: 1,
            created: jiff::Timestamp::UNIX_EPOCH,
            is_deleting: false,
            has_finalizer: false,
            spec: Err(InvalidSpec {
                deletion,
                ..InvalidSpec::default()
            }),
            status: Status::default(),
        }
    }

    #[test]
    fn owners_are_read_back_and_never_make_the_record_too_long() {
        let role = SectionName::Roles;
        let deleted = object("a", DeletionPolicy::Delete);
        let retained = object("b", DeletionPolicy::Retain);
        let mut of_other_kind = object("c", DeletionPolicy::Delete);
        of_other_kind.kind = ObjectKind::IamIdentityMapping;
        let mut record = OwnershipRecord::default();
        for object in [&deleted, &retained, &of_other_kind] {
            record.insert(object, &entry(role, &object.uid), OnWithdrawal::Keep);
            record.insert_access_entry(object, "arn:z", OnWithdrawal::Keep);
        }
        let text = record.to_text();
        let read = OwnershipRecord::parse(&text);
        assert_eq!(read, record);
        for (object, is_deleted) in [
            (&deleted, true),
            (&retained, false),
            (&of_other_kind, false),
        ] {
            let of_object = entry(role, &object.uid);
            let owner = uid_digest(&object.uid);
            assert_eq!(read.owner_of(&of_object), Some(owner));
            assert_eq!(read.deleted_with(&of_object), is_deleted.then_some(owner));
            assert_eq!(
                read.deletes_access_entry_with(&object.uid, "arn:z"),
                is_deleted
            );
        }
        // Earlier versions wrote no such lines.
        let old = text.lines().filter(|line| !line.contains("Delete"));
        let old: String = old.filter(|line| !line.contains("Owner")).collect();
        assert!(!OwnershipRecord::parse(&old).has_owners());

        let mut long = OwnershipRecord::default();
        for at in 0..15_000 {
            let of_one = entry(role, &format!("arn:{at}"));
            long.insert(&deleted, &of_one, OnWithdrawal::Revoke);
        }
        assert!(long.to_text().len() > 1 << 20);
        let claims = long.claims.clone();
        long.limit_length();
        assert!(long.to_text().len() <= MAX_LENGTH && long.has_owners());
        assert_eq!((long.claims.len(), long.revocable.len()), (15_000, 15_000));
        assert_eq!(long.claims, claims);
    }

    #[test]
    fn record_is_read_back_and_proves_only_its_entries() {
        let (role, user) = (SectionName::Roles, SectionName::Users);
        let [a, b] = ["a", "b"].map(|uid| object(uid, DeletionPolicy::Delete));
        let mut record = OwnershipRecord::default();
        record.insert(&a, &entry(role, "arn:x"), OnWithdrawal::Keep);
        record.insert(&b, &entry(role, "arn:y"), OnWithdrawal::Revoke);
        record.insert_access_entry(&a, "arn:z", OnWithdrawal::Keep);
        record.insert_access_entry(&b, "arn:z", OnWithdrawal::Revoke);
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
