use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::revision::{Revision, Unreadable};

/// How many revisions stay: runs that found the same aws-auth count as one, as one of them writes at most.
pub const MOST_REVISIONS: usize = 20;

/// How many bytes they may have together, as a ConfigMap counts them. It holds 1 MiB; the rest is for whoever puts something
/// beside them.
pub const MOST_BYTES: usize = 900 << 10;

/// What the ConfigMap `awsauth-history` calls a revision: its number, its run and its bytes, so that who adds one knows from the
/// keys alone which have to go. Keys of revisions that differ never are the same, so that those who write at the same
/// time don't get in each other's way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    number: u64,
    run: String,
    bytes: usize,
}

impl Key {
    /// The revision's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Its run.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Reads a key; `None` of what is no revision's.
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
        // So that it is written as it was read.
        (is_run && rest.len() + number.len() + 2 == read.to_string().len()).then_some(read)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{:020}-{}-{}", self.number, self.run, self.bytes)
    }
}

/// A revision on its way into `awsauth-history`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Its key.
    pub key: String,
    /// Its value, in base64.
    pub value: String,
    /// The keys that have to go: that of the revision that this one replaces, and the oldest beyond 20 and 900 KiB.
    pub gone: Vec<String>,
}

/// It has no room, however many others go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a copy has {bytes} bytes, and {MOST_BYTES} have room")]
pub struct Full {
    /// The bytes of the revision.
    pub bytes: usize,
}

impl Addition {
    /// Adds a revision to those with these keys, of which one may be `replaced` by it.
    ///
    /// # Errors
    /// When it has no room even alone.
    pub fn to<'k>(
        keys: impl IntoIterator<Item = &'k str>,
        revision: &Revision,
        replaced: Option<&str>,
    ) -> Result<Self, Full> {
        let bytes = revision.encode();
        if bytes.len() > MOST_BYTES {
            return Err(Full { bytes: bytes.len() });
        }
        let key = Key {
            number: revision.number,
            run: revision.run.clone(),
            bytes: bytes.len(),
        };
        let key = key.to_string();
        let replaced = replaced.filter(|replaced| **replaced != *key);
        let others = keys.into_iter().filter(|other| Some(*other) != replaced);
        let mut gone = surplus(others, &key);
        gone.extend(replaced.map(str::to_owned));
        Ok(Self {
            key,
            value: STANDARD.encode(&bytes),
            gone,
        })
    }
}

/// The oldest of these keys and `own` that have to go so that the rest has room; `own` itself stays.
fn surplus<'k>(keys: impl IntoIterator<Item = &'k str>, own: &str) -> Vec<String> {
    let mut others: Vec<Key> = keys.into_iter().filter_map(Key::read).collect();
    let own = Key::read(own);
    others.retain(|other| Some(other) != own.as_ref());
    others.sort();
    let mut numbers: BTreeSet<u64> = own.iter().map(Key::number).collect();
    let mut bytes: usize = own.iter().map(|own| own.bytes).sum();
    let mut is_over = false;
    let mut gone = Vec::new();
    for other in others.into_iter().rev() {
        numbers.insert(other.number);
        bytes += other.bytes;
        is_over |= numbers.len() > MOST_REVISIONS || bytes > MOST_BYTES;
        if is_over {
            gone.push(other.to_string());
        }
    }
    gone
}

/// One key of `awsauth-history`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A revision.
    Revision(Box<Revision>),
    /// Something else, or a revision that is damaged or of a later version.
    Unreadable {
        /// The key.
        key: String,
        /// Why it can't be read.
        why: Unreadable,
    },
}

/// All keys, from the oldest revision to the newest; what can't be read comes first.
pub fn slots(values: &BTreeMap<String, String>) -> Vec<Slot> {
    let mut slots: Vec<Slot> = values.iter().map(|(key, value)| slot(key, value)).collect();
    // Keys are in order, and those of one number stay so.
    slots.sort_by_key(|slot| match slot {
        Slot::Unreadable { .. } => None,
        Slot::Revision(revision) => Some(revision.number),
    });
    slots
}

fn slot(key: &str, value: &str) -> Slot {
    let read = match Key::read(key) {
        None => Err(Unreadable("it is not awsauth's".to_owned())),
        Some(_) => match STANDARD.decode(value) {
            Ok(bytes) => Revision::decode(&bytes),
            Err(error) => Err(Unreadable(error.to_string())),
        },
    };
    match read {
        Ok(revision) => Slot::Revision(Box::new(revision)),
        Err(why) => Slot::Unreadable {
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

    fn add(shelf: &mut BTreeMap<String, String>, revision: &Revision) -> Addition {
        replace(shelf, revision, None)
    }

    fn replace(
        shelf: &mut BTreeMap<String, String>,
        revision: &Revision,
        replaced: Option<&str>,
    ) -> Addition {
        let keys = shelf.keys().map(String::as_str);
        let addition = Addition::to(keys, revision, replaced).unwrap();
        for key in &addition.gone {
            assert!(shelf.remove(key).is_some());
        }
        shelf.insert(addition.key.clone(), addition.value.clone());
        addition
    }

    fn numbers(shelf: &BTreeMap<String, String>) -> Vec<u64> {
        let slots = slots(shelf).into_iter();
        slots
            .filter_map(|slot| match slot {
                Slot::Revision(revision) => Some(revision.number),
                Slot::Unreadable { .. } => None,
            })
            .collect()
    }

    /// A text that does not compress.
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
    fn the_newest_that_have_room_stay() {
        let noise = noise(300_000);
        for sizes in [
            [10; 30],
            [60_000; 30],
            [250_000; 30],
            std::array::from_fn(|nth| nth * 10_000),
        ] {
            let mut shelf = BTreeMap::from([("theirs".to_owned(), "eA==".to_owned())]);
            let mut sizes_kept = BTreeMap::new();
            for (size, number) in sizes.into_iter().zip(1..) {
                let mut revision = one();
                (revision.run, revision.number) = (format!("{number:016x}"), number);
                revision.before.exists = true;
                revision
                    .before
                    .data
                    .insert("mapRoles".into(), noise[..size].into());
                add(&mut shelf, &revision);
                sizes_kept.insert(number, revision.encode().len());
                assert!(shelf.contains_key("theirs"));
                let kept = numbers(&shelf);
                let total: usize = kept.iter().map(|number| sizes_kept[number]).sum();
                assert!(kept.len() <= MOST_REVISIONS && total <= MOST_BYTES);
                // Without a gap, and no more are gone than had to.
                assert_eq!(kept, (kept[0]..=number).collect::<Vec<_>>());
                let next = sizes_kept.get(&(kept[0] - 1));
                assert!(
                    next.is_none_or(
                        |next| kept.len() == MOST_REVISIONS || total + next > MOST_BYTES
                    )
                );
            }
            assert!(numbers(&shelf).len() >= 2);
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
        fn a_run_replaces_its_revision(one in revision(), other in revision(), later in revision()) {
            prop_assume!(one.run != other.run);
            let mut shelf = BTreeMap::new();
            let first = add(&mut shelf, &one).key;
            add(&mut shelf, &other);
            let again = Revision { run: one.run.clone(), ..later };
            let addition = replace(&mut shelf, &again, Some(&first));
            prop_assert_eq!(Key::read(&addition.key).unwrap().to_string(), addition.key);
            let mut expected = [other, again];
            expected.sort_by_key(|revision| revision.number);
            if expected[0].number != expected[1].number {
                prop_assert_eq!(slots(&shelf), expected.map(|revision| Slot::Revision(Box::new(revision))));
            }
            prop_assert_eq!(shelf.len(), 2);
        }
    }

    #[test]
    fn those_who_write_at_the_same_time_take_no_room_from_older_ones() {
        let gone = |numbers: &[u64]| -> Vec<u64> {
            let key = |(number, nth): (&u64, u64)| format!("r{number:020}-{nth:016x}-500");
            let keys: Vec<String> = numbers.iter().zip(0..).map(key).collect();
            let gone = surplus(keys.iter().map(String::as_str), &keys[keys.len() - 1]);
            let numbers = gone.iter().map(|key| Key::read(key).unwrap().number());
            numbers.collect()
        };
        let contended: Vec<u64> = (1..=19).chain([20; 64]).collect();
        assert!(gone(&contended).is_empty());
        let too_many: Vec<u64> = (1..=22).collect();
        assert_eq!(gone(&too_many), [2, 1]);
        // Whoever was overtaken does not throw its own away.
        let late: Vec<u64> = (2..=22).chain([1]).collect();
        assert_eq!(gone(&late), [3, 2]);
    }

    #[test]
    fn what_is_damaged_or_foreign_is_shown_and_breaks_nothing() {
        let key = |number| format!("r{number:020}-0123456789abcdef-5");
        let values = [
            ("notes".to_owned(), "aGVsbG8="),
            (key(1), "aGVsbG8="),
            (key(2), "not base64"),
            ("r3-0123456789abcdef-5".to_owned(), ""),
        ];
        let mut shelf: BTreeMap<_, _> = values.map(|(key, value)| (key, value.to_owned())).into();
        add(&mut shelf, &one());
        let said = slots(&shelf).into_iter().map(|slot| match slot {
            Slot::Unreadable { key, why } => format!("{key}: {why}"),
            Slot::Revision(revision) => revision.number.to_string(),
        });
        assert_eq!(
            said.collect::<Vec<_>>(),
            [
                "notes: it is not awsauth's".to_owned(),
                format!("{}: it is not the gzip that awsauth wrote", key(1)),
                format!("{}: Invalid symbol 32, offset 3.", key(2)),
                "r3-0123456789abcdef-5: it is not awsauth's".to_owned(),
                "1".to_owned(),
            ]
        );
    }
}
