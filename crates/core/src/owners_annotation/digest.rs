//! Digests of entries, by which an owner recognizes them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::arn::to_lower;
use crate::document::{Entry, Principal, Section, SectionName};

/// The digest of an entry: 6 bytes identify the entry (its section and key), and 6 bytes its text.
///
/// Each digest takes 19 bytes of JSON: 16 characters of base64url, quotes and a comma. The 7,600 entries of a 1 MiB aws-auth take
/// 144 KB of the 256 KiB that an object's annotations may have.
///
/// An entry is pruned only if all 96 bits are equal, which does not happen by chance. With 7,600 entries, two keys have
/// the same 48 bits with a probability of 1 in 10 million. A collision can make owners conflict or keep an entry, but
/// never removes one. A client that can create a colliding entry on purpose must already have permission to write
/// aws-auth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    key: KeyDigest,
    entry: [u8; HASH_BYTES],
}

/// The part of a digest that identifies the entry.
pub(super) type KeyDigest = [u8; HASH_BYTES];

const HASH_BYTES: usize = 6;

/// Returns the digest of an entry. `key` is the key under which the authenticator stores it, `entry_text` its text in the section.
pub fn digest(section: SectionName, key: &str, entry_text: &str) -> Digest {
    Digest {
        key: key_digest(section, key),
        entry: short_hash(&[section.key(), key, entry_text]),
    }
}

pub(super) fn key_digest(section: SectionName, key: &str) -> KeyDigest {
    short_hash(&[section.key(), key])
}

/// Returns the digest of an entry of a document.
pub(super) fn of_entry(section: &Section, entry: &Entry) -> Digest {
    let text = section
        .text()
        .and_then(|text| text.get(entry.span.range()))
        .unwrap_or_default();
    digest(section.name(), &store_key(principal(entry)), text)
}

/// Returns the principal of an entry, even if the authenticator drops the entry.
pub(super) fn principal(entry: &Entry) -> &Principal {
    use crate::document::Status;
    match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => &mapping.principal,
    }
}

/// Returns a key that is equal for entries that replace each other in the authenticator's store. The key of an sso matcher, which the
/// authenticator stores as a pattern, consists of its fields.
pub(super) fn store_key(principal: &Principal) -> Cow<'_, str> {
    match principal {
        Principal::Role(arn) => to_lower(arn),
        Principal::Sso(sso) => {
            let key = format!(
                "sso {}:{}:{}",
                sso.partition, sso.account_id, sso.permission_set_name
            );
            Cow::Owned(to_lower(&key).into_owned())
        }
        Principal::User(text) | Principal::Account(text) => Cow::Borrowed(text),
    }
}

impl Digest {
    pub(super) const fn key(self) -> KeyDigest {
        self.key
    }

    pub(super) fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode([self.key, self.entry].concat())
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (key, entry) = bytes.split_at_checked(HASH_BYTES)?;
        Some(Self {
            key: key.try_into().ok()?,
            entry: entry.try_into().ok()?,
        })
    }
}

/// Returns the first bytes of the SHA-256 of the parts. Each part is preceded by its length, so that different lists
/// never hash the same input.
fn short_hash(parts: &[&str]) -> [u8; HASH_BYTES] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut hash_bytes = [0; HASH_BYTES];
    hash_bytes.copy_from_slice(&hash.finalize()[..HASH_BYTES]);
    hash_bytes
}
