//! Which revisions the ConfigMap `awsauth-history` keeps, and their keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::revision::{MAX_HISTORY_BYTES, MAX_REVISION_BYTES, Revision, WriteOrder};
use super::unreadable::Unreadable;

/// The number of revisions of awsauth to keep. Runs that read the same aws-auth count as one, because at most one of them writes.
pub const MAX_REVISIONS: usize = 20;

/// The number of revisions of other clients' writes to keep. They have their own limits, so that another client that writes often
/// cannot push out the revisions of awsauth.
const MAX_FOREIGN: usize = 10;

/// The number of revisions of the controller to keep. They have their own limits, so that a user who can change one object cannot push
/// out the revisions of commands.
const MAX_BY_CONTROLLER: usize = 10;

/// The maximum size of all revisions together, as a ConfigMap counts bytes. A ConfigMap may have 1 MiB; the rest is for keys of
/// other clients.
const MAX_BYTES: usize = 900 << 10;

/// The maximum part of it for writes by other clients, and that for writes by the controller.
const MAX_FOREIGN_BYTES: usize = 300 << 10;
const MAX_CONTROLLER_BYTES: usize = 300 << 10;

/// The first characters of keys: writes of commands to aws-auth and to access entries, those of the controller to either, and those of
/// other clients.
const COMMAND: &str = "r";
const COMMAND_ENTRIES: &str = "e";
const CONTROLLER: &str = "c";
const FOREIGN: &str = "f";

/// Who made a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Writer {
    Command,
    Controller,
    /// Another client.
    Foreign,
}

impl Writer {
    fn of(revision: &Revision) -> Self {
        match revision.is_foreign {
            true => Self::Foreign,
            false if revision.is_by_controller() => Self::Controller,
            false => Self::Command,
        }
    }

    /// Returns the maximum size of the writer's revisions.
    fn max_bytes(self) -> usize {
        match self {
            Self::Command => MAX_BYTES,
            Self::Controller => MAX_CONTROLLER_BYTES,
            Self::Foreign => MAX_FOREIGN_BYTES,
        }
    }
}

/// The key of a revision in the ConfigMap `awsauth-history`: who wrote it to which store, its number, run and size. A client can decide
/// from the keys alone which revisions to remove. Different revisions have different keys, so concurrent writes do not conflict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    number: u64,
    order: WriteOrder,
    run: String,
    bytes: usize,
    writer: Writer,
}

impl Key {
    fn of(revision: &Revision, bytes: usize) -> Self {
        Self {
            number: revision.number,
            order: revision.write_order(),
            run: revision.run.clone(),
            bytes,
            writer: Writer::of(revision),
        }
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the ID of the run that wrote the revision.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Parses a key; `None` if it is not that of a revision.
    pub fn read(key: &str) -> Option<Self> {
        let (kind, rest) = key.split_at_checked(1)?;
        let (number, rest) = rest.split_once('-')?;
        let (run, bytes) = rest.split_once('-')?;
        let (number, order) = match number.split_once('.') {
            Some((number, sequence)) => (number, WriteOrder::AccessEntries(sequence.parse().ok()?)),
            None => (number, WriteOrder::AwsAuth),
        };
        let writer = match (kind, order) {
            (COMMAND, WriteOrder::AwsAuth) | (COMMAND_ENTRIES, WriteOrder::AccessEntries(_)) => {
                Writer::Command
            }
            (CONTROLLER, _) => Writer::Controller,
            (FOREIGN, WriteOrder::AwsAuth) => Writer::Foreign,
            _ => return None,
        };
        let is_run = run.len() == 16 && run.bytes().all(|byte| byte.is_ascii_hexdigit());
        let read = Self {
            number: number.parse().ok()?,
            order,
            run: run.to_owned(),
            bytes: bytes.parse().ok()?,
            writer,
        };
        // Only the canonical spelling is a key.
        (is_run && key.len() == read.to_string().len()).then_some(read)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (self.writer, self.order) {
            (Writer::Command, WriteOrder::AwsAuth) => COMMAND,
            (Writer::Command, WriteOrder::AccessEntries(_)) => COMMAND_ENTRIES,
            (Writer::Controller, _) => CONTROLLER,
            (Writer::Foreign, _) => FOREIGN,
        };
        write!(f, "{kind}{:020}", self.number)?;
        if let WriteOrder::AccessEntries(sequence) = self.order {
            write!(f, ".{sequence:020}")?;
        }
        write!(f, "-{}-{}", self.run, self.bytes)
    }
}

/// A revision to add to `awsauth-history`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    pub key: String,
    /// The value in base64.
    pub value: String,
    /// The keys to remove: that of the revision that this one replaces, and the oldest beyond the limits.
    pub removed: Vec<String>,
}

/// A revision that alone is larger than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a backup needs {bytes} bytes, and the limit is {limit}")]
pub struct TooLarge {
    pub bytes: usize,
    pub limit: usize,
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
        let limit = Writer::of(revision).max_bytes();
        if bytes.len() > limit {
            let bytes = bytes.len();
            return Err(TooLarge { bytes, limit });
        }
        let own = Key::of(revision, bytes.len());
        let key = own.to_string();
        let replaced = replaced.filter(|replaced| **replaced != *key);
        let others = keys.into_iter().filter(|other| Some(*other) != replaced);
        let mut removed = surplus(others, &own);
        removed.extend(replaced.map(str::to_owned));
        Ok(Self {
            key,
            value: STANDARD.encode(&bytes),
            removed,
        })
    }
}

/// Returns the oldest of these keys, as many as must be removed so that the rest and `added` are within the limits. Of the writes of
/// other clients and of the controller, the newest that fit into their parts are kept; the revisions of commands may use what is left.
fn surplus<'k>(keys: impl IntoIterator<Item = &'k str>, added: &Key) -> Vec<String> {
    let keys = keys.into_iter().filter_map(Key::read);
    let others: Vec<Key> = keys.filter(|other| other != added).collect();
    let mut left = MAX_BYTES;
    if added.writer == Writer::Command {
        left -= added.bytes;
    }
    let mut removed = Vec::new();
    for (writer, max_revisions) in [
        (Writer::Foreign, MAX_FOREIGN),
        (Writer::Controller, MAX_BY_CONTROLLER),
        (Writer::Command, MAX_REVISIONS),
    ] {
        let keys = others.iter().filter(|other| other.writer == writer);
        let added = Some(added).filter(|added| added.writer == writer);
        if writer == Writer::Command {
            left += added.map_or(0, |added| added.bytes);
        }
        let max_bytes = writer.max_bytes().min(left);
        let (bytes, oldest) = beyond(keys.cloned().collect(), added, max_revisions, max_bytes);
        left -= bytes;
        removed.extend(oldest);
    }
    removed
}

/// Returns the size of the newest of these keys that, together with `added`, are within the limits, and the other keys.
fn beyond(
    mut keys: Vec<Key>,
    added: Option<&Key>,
    max_revisions: usize,
    max_bytes: usize,
) -> (usize, Vec<String>) {
    keys.sort();
    let position = |key: &Key| (key.number, key.order);
    let mut positions: BTreeSet<_> = added.iter().map(|added| position(added)).collect();
    let mut bytes: usize = added.map_or(0, |added| added.bytes);
    let mut is_over = false;
    let mut removed = Vec::new();
    for key in keys.into_iter().rev() {
        positions.insert(position(&key));
        is_over |= positions.len() > max_revisions || bytes + key.bytes > max_bytes;
        match is_over {
            true => removed.push(key.to_string()),
            false => bytes += key.bytes,
        }
    }
    (bytes, removed)
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

/// Reads all keys, from the oldest revision to the newest. Unreadable ones come first. If revisions expand to more than a history
/// may need, the oldest ones of a kind are unreadable.
pub fn stored_revisions(values: &BTreeMap<String, String>) -> Vec<StoredRevision> {
    let mut left = MAX_HISTORY_BYTES;
    // The newest of a kind have the last keys.
    let newest_first = values.iter().rev();
    let mut stored_revisions: Vec<StoredRevision> = newest_first
        .map(|(key, value)| slot(key, value, &mut left))
        .collect();
    stored_revisions.reverse();
    // The sort is stable, so revisions with the same number stay in the order of their keys.
    stored_revisions.sort_by_key(|slot| match slot {
        StoredRevision::Unreadable { .. } => None,
        StoredRevision::Revision(revision) => Some(revision.order()),
    });
    stored_revisions
}

/// Decodes the readable revisions with the numbers in their keys, one at a time, from the newest to the oldest. One that would need
/// more than 32 MiB of memory is not readable here.
pub fn revisions_from_newest(
    values: &BTreeMap<String, String>,
) -> impl Iterator<Item = (u64, Revision)> {
    let keys = values.iter();
    let mut keys: Vec<(Key, &String)> = keys
        .filter_map(|(key, value)| Some((Key::read(key)?, value)))
        .collect();
    keys.sort_by(|(one, _), (other, _)| other.cmp(one));
    keys.into_iter().filter_map(|(key, value)| {
        let bytes = STANDARD.decode(value).ok()?;
        let revision = Revision::decode_within(&bytes, &mut { MAX_REVISION_BYTES }).ok()?;
        Some((key.number, revision))
    })
}

fn slot(key: &str, value: &str, left: &mut usize) -> StoredRevision {
    let read = match Key::read(key) {
        None => Err(Unreadable("it is not a key of awsauth".to_owned())),
        Some(_) => match STANDARD.decode(value) {
            Ok(bytes) => Revision::decode_within(&bytes, left),
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
    use super::super::revision::CONTROLLER;
    use super::super::revision::tests::revision;
    use super::*;
    use crate::facts::authentication_mode::AuthenticationMode;
    use crate::history::EntryWrite;
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

    /// Returns a string that does not compress.
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
            undoes: None,
            is_foreign: false,
            transaction: None,
            entries: None,
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
            let added = Key::read(&keys[keys.len() - 1]).unwrap();
            let removed = surplus(keys.iter().map(String::as_str), &added);
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
    fn foreign_writes_do_not_push_out_revisions_of_awsauth() {
        let own = |number: u64, bytes| format!("r{number:020}-{number:016x}-{bytes}");
        let foreign = |number: u64, bytes| format!("f{number:020}-{number:016x}-{bytes}");
        let removed = |keys: &[String], added: String| {
            let keys = keys.iter().map(String::as_str);
            surplus(keys, &Key::read(&added).unwrap())
        };
        // Twenty small ones and ten small ones.
        let mut keys: Vec<String> = (1..=20).map(|number| own(number, 500)).collect();
        keys.extend((21..=30).map(|number| foreign(number, 500)));
        assert_eq!(removed(&keys, foreign(31, 500)), [foreign(21, 500)]);
        assert_eq!(removed(&keys, own(31, 500)), [own(1, 500)]);
        // Foreign writes get at most a third of the space.
        let mut keys: Vec<String> = (1..=3).map(|number| own(number, 200 << 10)).collect();
        keys.extend((4..=5).map(|number| foreign(number, 150 << 10)));
        assert_eq!(
            removed(&keys, foreign(6, 150 << 10)),
            [foreign(4, 150 << 10)]
        );
        assert_eq!(removed(&keys, own(6, 200 << 10)), [own(1, 200 << 10)]);
        // A large revision of awsauth is always kept.
        let all = removed(&keys, own(6, 900 << 10));
        assert_eq!(all.len(), keys.len(), "{all:?}");
    }

    #[test]
    fn controller_does_not_push_out_revisions_of_commands() {
        let mut stored = BTreeMap::new();
        let write = |number: u64, command: &[&str], is_of_entries: bool| Revision {
            number,
            run: format!("{number:016x}"),
            command: command.iter().map(|&word| word.to_owned()).collect(),
            entries: is_of_entries.then(|| EntryWrite {
                sequence: number,
                mode: AuthenticationMode::Api,
                mode_before: None,
                changes: Vec::new(),
            }),
            ..one()
        };
        let map = ["awsauth", "map"];
        add(&mut stored, &write(1, &map, false));
        add(&mut stored, &write(2, &map, true));
        for number in 3..=60 {
            add(&mut stored, &write(number, &CONTROLLER, number % 2 == 0));
        }
        let newest_of_controller = 61 - MAX_BY_CONTROLLER as u64..=60;
        let expected: Vec<u64> = [1, 2].into_iter().chain(newest_of_controller).collect();
        assert_eq!(numbers(&stored), expected);
        // Nor the other way round.
        for number in 61..=100 {
            add(&mut stored, &write(number, &map, false));
        }
        let kept = numbers(&stored);
        assert_eq!(kept.len(), MAX_BY_CONTROLLER + MAX_REVISIONS);
        assert!(kept.contains(&60));
        for key in stored.keys() {
            assert_eq!(Key::read(key).unwrap().to_string(), *key);
        }
    }

    #[test]
    fn large_foreign_write_is_not_kept() {
        let mut revision = one();
        revision.is_foreign = true;
        revision.before.exists = true;
        revision
            .before
            .data
            .insert("mapRoles".into(), noise(500_000).into());
        let error = Addition::to([], &revision, None).unwrap_err();
        assert_eq!(error.limit, MAX_FOREIGN_BYTES);
        revision.is_foreign = false;
        assert!(Addition::to([], &revision, None).is_ok());
    }

    #[test]
    fn history_that_needs_much_memory_is_read_in_part() {
        let stored = |command: &[String], count: u64| -> BTreeMap<String, String> {
            let revisions = (1..=count).map(|number| {
                let revision = Revision {
                    number,
                    command: command.to_vec(),
                    ..one()
                };
                let bytes = revision.encode();
                let key = Key::of(&revision, bytes.len()).to_string();
                (key, STANDARD.encode(bytes))
            });
            revisions.collect()
        };
        let many_words = vec![String::new(); 250_000];
        for (command, count, read) in [(&many_words[..], 4, 2), (&["x".repeat(1 << 20)], 20, 20)] {
            let stored = stored(command, count);
            let slots = stored_revisions(&stored);
            let newest: Vec<u64> = (count + 1 - read..=count).collect();
            assert_eq!(numbers(&stored), newest);
            for slot in &slots[..slots.len() - newest.len()] {
                let StoredRevision::Unreadable { key, why } = slot else {
                    panic!("{slot:?}");
                };
                assert!(stored.contains_key(key));
                assert_eq!(
                    why.to_string(),
                    "with it, the history would need more than 128 MiB"
                );
            }
        }
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
