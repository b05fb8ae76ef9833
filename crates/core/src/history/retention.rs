//! Which revisions the ConfigMap `awsauth-history` keeps, and their keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::revision::{Revision, Unreadable};

/// The number of revisions to keep. Runs that read the same aws-auth count as one, because at most one of them writes.
pub const MAX_REVISIONS: usize = 20;

/// The maximum size of all revisions together, as a ConfigMap counts bytes. A ConfigMap may have 1 MiB; the rest is for keys of
/// other clients.
const MAX_BYTES: usize = 900 << 10;

/// The key of a revision in the ConfigMap `awsauth-history`: its number, run and size. A client can decide from the keys alone which
/// revisions to remove. Different revisions have different keys, so concurrent writes do not conflict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    number: u64,
    run: String,
    bytes: usize,
}

impl Key {
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the ID of the run that wrote the revision.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Parses a key; `None` if it is not that of a revision.
    pub fn read(key: &str) -> Option<Self> {
        let (number, rest) = key.strip_prefix('r')?.split_once('-')?;
        let (run, bytes) = rest.split_once('-')?;
        let is_run = run.len() == 16 && run.bytes().all(|byte| byte.is_ascii_hexdigit());
        let key = |number, bytes| Self {
            number,
            run: run.to_owned(),
            bytes,
        };
        let read = key(number.parse().ok()?, bytes.parse().ok()?);
        // Only the canonical spelling is a key.
        (is_run && rest.len() + number.len() + 2 == read.to_string().len()).then_some(read)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{:020}-{}-{}", self.number, self.run, self.bytes)
    }
}

/// A revision to add to `awsauth-history`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    pub key: String,
    /// The value in base64.
    pub value: String,
    /// The keys to remove: that of the revision that this one replaces, and the oldest beyond 20 revisions or 900 KiB.
    pub removed: Vec<String>,
}

/// A revision that alone is larger than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a backup needs {bytes} bytes, and the limit is {MAX_BYTES}")]
pub struct TooLarge {
    pub bytes: usize,
}

impl Addition {
    /// Adds a revision to those with these keys, and removes the one that it replaces.
    ///
    /// # Errors
    /// If the revision alone exceeds the limit.
    pub fn to<'k>(
        keys: impl IntoIterator<Item = &'k str>,
        revision: &Revision,
        replaced: Option<&str>,
    ) -> Result<Self, TooLarge> {
        let bytes = revision.encode();
        if bytes.len() > MAX_BYTES {
            return Err(TooLarge { bytes: bytes.len() });
        }
        let key = Key {
            number: revision.number,
            run: revision.run.clone(),
            bytes: bytes.len(),
        };
        let key = key.to_string();
        let replaced = replaced.filter(|replaced| **replaced != *key);
        let others = keys.into_iter().filter(|other| Some(*other) != replaced);
        let mut removed = surplus(others, &key);
        removed.extend(replaced.map(str::to_owned));
        Ok(Self {
            key,
            value: STANDARD.encode(&bytes),
            removed,
        })
    }
}

/// Returns the oldest of these keys, as many as must be removed so that the rest and `own` are within the limits.
fn surplus<'k>(keys: impl IntoIterator<Item = &'k str>, own: &str) -> Vec<String> {
    let mut others: Vec<Key> = keys.into_iter().filter_map(Key::read).collect();
    let own = Key::read(own);
    others.retain(|other| Some(other) != own.as_ref());
    others.sort();
    let mut numbers: BTreeSet<u64> = own.iter().map(Key::number).collect();
    let mut bytes: usize = own.iter().map(|own| own.bytes).sum();
    let mut is_over = false;
    let mut removed = Vec::new();
    for other in others.into_iter().rev() {
        numbers.insert(other.number);
        bytes += other.bytes;
        is_over |= numbers.len() > MAX_REVISIONS || bytes > MAX_BYTES;
        if is_over {
            removed.push(other.to_string());
        }
    }
    removed
}

/// One key of `awsauth-history`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredRevision {
    Revision(Box<Revision>),
    /// A key that is not a revision, or a revision that is damaged or of a later version.
    Unreadable {
        key: String,
        why: Unreadable,
    },
}

/// Reads all keys, from the oldest revision to the newest. Unreadable ones come first.
pub fn stored_revisions(values: &BTreeMap<String, String>) -> Vec<StoredRevision> {
    let mut stored_revisions: Vec<StoredRevision> =
        values.iter().map(|(key, value)| slot(key, value)).collect();
    // The sort is stable, so revisions with the same number stay in the order of their keys.
    stored_revisions.sort_by_key(|slot| match slot {
        StoredRevision::Unreadable { .. } => None,
        StoredRevision::Revision(revision) => Some(revision.number),
    });
    stored_revisions
}

fn slot(key: &str, value: &str) -> StoredRevision {
    let read = match Key::read(key) {
        None => Err(Unreadable("it is not a key of awsauth".to_owned())),
        Some(_) => match STANDARD.decode(value) {
            Ok(bytes) => Revision::decode(&bytes),
            Err(error) => Err(Unreadable(error.to_string())),
        },
    };
    match read {
        Ok(revision) => StoredRevision::Revision(Box::new(revision)),
        Err(why) => StoredRevision::Unreadable {
            key: key.to_owned(),
            why,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::revision::tests::revision;
    use super::*;
    use proptest::prelude::*;

    fn add(stored: &mut BTreeMap<String, String>, revision: &Revision) -> Addition {
        replace(stored, revision, None)
    }

    fn replace(
        stored: &mut BTreeMap<String, String>,
        revision: &Revision,
        replaced: Option<&str>,
    ) -> Addition {
        let keys = stored.keys().map(String::as_str);
        let addition = Addition::to(keys, revision, replaced).unwrap();
        for key in &addition.removed {
            assert!(stored.remove(key).is_some());
        }
        stored.insert(addition.key.clone(), addition.value.clone());
        addition
    }

    fn numbers(stored: &BTreeMap<String, String>) -> Vec<u64> {
        let stored_revisions = stored_revisions(stored).into_iter();
        stored_revisions
            .filter_map(|slot| match slot {
                StoredRevision::Revision(revision) => Some(revision.number),
                StoredRevision::Unreadable { .. } => None,
            })
            .collect()
    }

    /// Returns a text that does not compress.
    fn noise(length: usize) -> String {
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % 75
        };
        (0..length)
            .map(|_| char::from(b'0' + u8::try_from(next()).unwrap()))
            .collect()
    }

    #[test]
    fn newest_revisions_within_the_limits_are_kept() {
        let noise = noise(300_000);
        for sizes in [
            [10; 30],
            [60_000; 30],
            [250_000; 30],
            std::array::from_fn(|nth| nth * 10_000),
        ] {
            let mut stored = BTreeMap::from([("theirs".to_owned(), "eA==".to_owned())]);
            let mut sizes_kept = BTreeMap::new();
            for (size, number) in sizes.into_iter().zip(1..) {
                let mut revision = one();
                (revision.run, revision.number) = (format!("{number:016x}"), number);
                revision.before.exists = true;
                revision
                    .before
                    .data
                    .insert("mapRoles".into(), noise[..size].into());
                add(&mut stored, &revision);
                sizes_kept.insert(number, revision.encode().len());
                assert!(stored.contains_key("theirs"));
                let kept = numbers(&stored);
                let total: usize = kept.iter().map(|number| sizes_kept[number]).sum();
                assert!(kept.len() <= MAX_REVISIONS && total <= MAX_BYTES);
                // The newest remain without a gap, and no more are removed than necessary.
                assert_eq!(kept, (kept[0]..=number).collect::<Vec<_>>());
                let next = sizes_kept.get(&(kept[0] - 1));
                assert!(
                    next.is_none_or(|next| kept.len() == MAX_REVISIONS || total + next > MAX_BYTES)
                );
            }
            assert!(numbers(&stored).len() >= 2);
        }
        let mut revision = one();
        revision
            .before
            .data
            .insert("mapRoles".into(), super::tests::noise(1_300_000).into());
        revision.before.exists = true;
        assert!(Addition::to([], &revision, None).is_err());
    }

    fn one() -> Revision {
        Revision {
            number: 1,
            run: "0".repeat(16),
            before: Default::default(),
            after: crate::history::Contents::default().existing(),
            who: Default::default(),
            when: jiff::Timestamp::UNIX_EPOCH,
            command: Vec::new(),
            version: String::new(),
            reason: None,
        }
    }

    proptest! {
        #[test]
        fn later_write_of_a_run_replaces_its_revision(one in revision(), other in revision(), later in revision()) {
            prop_assume!(one.run != other.run);
            let mut stored = BTreeMap::new();
            let first = add(&mut stored, &one).key;
            add(&mut stored, &other);
            let again = Revision { run: one.run.clone(), ..later };
            let addition = replace(&mut stored, &again, Some(&first));
            prop_assert_eq!(Key::read(&addition.key).unwrap().to_string(), addition.key);
            let mut expected = [other, again];
            expected.sort_by_key(|revision| revision.number);
            if expected[0].number != expected[1].number {
                prop_assert_eq!(stored_revisions(&stored), expected.map(|revision| StoredRevision::Revision(Box::new(revision))));
            }
            prop_assert_eq!(stored.len(), 2);
        }
    }

    #[test]
    fn concurrent_runs_do_not_displace_older_revisions() {
        let removed = |numbers: &[u64]| -> Vec<u64> {
            let key = |(number, nth): (&u64, u64)| format!("r{number:020}-{nth:016x}-500");
            let keys: Vec<String> = numbers.iter().zip(0..).map(key).collect();
            let removed = surplus(keys.iter().map(String::as_str), &keys[keys.len() - 1]);
            let numbers = removed.iter().map(|key| Key::read(key).unwrap().number());
            numbers.collect()
        };
        let contended: Vec<u64> = (1..=19).chain([20; 64]).collect();
        assert!(removed(&contended).is_empty());
        let too_many: Vec<u64> = (1..=22).collect();
        assert_eq!(removed(&too_many), [2, 1]);
        // A run that lost a race does not remove its own revision.
        let late: Vec<u64> = (2..=22).chain([1]).collect();
        assert_eq!(removed(&late), [3, 2]);
    }

    #[test]
    fn damaged_and_unknown_keys_are_reported() {
        let key = |number| format!("r{number:020}-0123456789abcdef-5");
        let values = [
            ("notes".to_owned(), "aGVsbG8="),
            (key(1), "aGVsbG8="),
            (key(2), "not base64"),
            ("r3-0123456789abcdef-5".to_owned(), ""),
        ];
        let mut stored: BTreeMap<_, _> = values.map(|(key, value)| (key, value.to_owned())).into();
        add(&mut stored, &one());
        let shown = stored_revisions(&stored)
            .into_iter()
            .map(|slot| match slot {
                StoredRevision::Unreadable { key, why } => format!("{key}: {why}"),
                StoredRevision::Revision(revision) => revision.number.to_string(),
            });
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                "notes: it is not a key of awsauth".to_owned(),
                format!("{}: it is not gzip data of awsauth", key(1)),
                format!("{}: Invalid symbol 32, offset 3.", key(2)),
                "r3-0123456789abcdef-5: it is not a key of awsauth".to_owned(),
                "1".to_owned(),
            ]
        );
    }
}
