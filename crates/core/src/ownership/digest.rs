use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::arn::to_lower;
use crate::document::{Entry, Principal, Section, SectionName};

/// What an owner remembers of one entry: 6 bytes that say which entry it is (section and key) and 6 that say how it was
/// written.
///
/// 12 bytes are 16 characters of base64url, 19 bytes of JSON with quotes and comma: the 7,600 entries that a 1 MiB aws-auth
/// can hold take 144 KB of the 256 KiB that an object's annotations may have.
///
/// An entry is pruned only when all 96 bits agree, which does not happen by chance. Two keys of one document share their
/// 48 bits with a probability of 1 in 10 million at 7,600 entries; that would show as a conflict between owners or as an
/// entry that is kept, and remove nothing. Who could choose an entry so that its digest collides may write aws-auth anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    key: KeyDigest,
    entry: [u8; HALF],
}

/// Which entry a digest speaks of.
pub(super) type KeyDigest = [u8; HALF];

const HALF: usize = 6;

/// The digest of an entry: `key` as the authenticator stores it, `entry_text` as it is in the section's text.
pub fn digest(section: SectionName, key: &str, entry_text: &str) -> Digest {
    Digest {
        key: key_digest(section, key),
        entry: half(&[section.key(), key, entry_text]),
    }
}

pub(super) fn key_digest(section: SectionName, key: &str) -> KeyDigest {
    half(&[section.key(), key])
}

/// The digest of an entry of a document.
pub(super) fn of_entry(section: &Section, entry: &Entry) -> Digest {
    let text = section
        .text()
        .and_then(|text| text.get(entry.span.range()))
        .unwrap_or_default();
    digest(section.name(), &store_key(principal(entry)), text)
}

/// The principal of an entry, even if the authenticator drops it.
pub(super) fn principal(entry: &Entry) -> &Principal {
    use crate::document::Status;
    match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => &mapping.principal,
    }
}

/// The key under which the authenticator stores an entry: a later one of the same key replaces it there. An sso matcher, which
/// is stored as a pattern, goes by its fields.
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
        let (key, entry) = bytes.split_at_checked(HALF)?;
        Some(Self {
            key: key.try_into().ok()?,
            entry: entry.try_into().ok()?,
        })
    }
}

/// The first bytes of the SHA-256 of the parts, each with its length before it so that no two lists read alike.
fn half(parts: &[&str]) -> [u8; HALF] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut half = [0; HALF];
    half.copy_from_slice(&hash.finalize()[..HALF]);
    half
}
