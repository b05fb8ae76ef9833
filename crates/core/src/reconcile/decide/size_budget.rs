//! Limits how large objects may make aws-auth, so that it still fits into a ConfigMap and the webhook can review its edits.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::iter::Sum;
use std::ops::{Add, Sub};

use super::super::config::Config;
use super::super::decision::Input;
use super::super::mapping_object::EntryRecord;
use super::desired_entry::Key;
use super::edit_set::EditSet;
use crate::admission::{MAX_PARTS, is_part};
use crate::arn::fold;
use crate::document::{Document, Entry, Mapping, Section, SectionName};
use crate::plan::Plan;

/// The size up to which objects may add to aws-auth. A ConfigMap may have 1 MiB; the rest is for protected entries, EKS and other
/// clients. The body of a review may have 3 MiB, and contains two versions.
const MAX_SIZE: Size = Size {
    bytes: 900 << 10,
    parts: 32_000,
};
const _: () = assert!(MAX_SIZE.parts as usize <= MAX_PARTS / 2);

/// The size of a string, or the difference between two sizes.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    /// The length of the string in JSON, in bytes.
    bytes: i64,
    /// The lines and items that the webhook counts.
    parts: i64,
}

/// Why sets are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// aws-auth is full.
    AwsAuth,
    /// The entries of a grant take as much as the grant allows, in KiB.
    Grant(u32),
}

/// How much a set of edits adds.
#[derive(Default)]
struct Growth {
    total: Size,
    /// The bytes by grant.
    by_grant: BTreeMap<usize, i64>,
}

/// The entries of one key.
#[derive(Clone, Copy, Default)]
struct KeySize {
    size: Size,
    /// The limited grant that covers them.
    grant: Option<usize>,
}

/// Returns which of the planned sets add more than fits. Counts everything else first, then the sets in their order. Only the first
/// `limited` sets are limited. Takes time linear in the strings.
pub(super) fn excess(
    input: &Input<'_>,
    plan: &Plan,
    edit_sets: &[EditSet],
    planned: &[usize],
    limited: usize,
) -> Vec<(usize, Excess)> {
    let data = &input.stored.data;
    let change = &plan.change.data;
    let unchanged = data.iter().filter(|(key, _)| !change.contains_key(&***key));
    let changed = change
        .iter()
        .filter_map(|(key, text)| Some((*key, text.as_ref()?)));
    let after = unchanged
        .map(|(key, text)| (key.as_str(), text))
        .chain(changed);
    let after: Size = after.map(|(key, text)| Size::of_value(key, text)).sum();
    let binary_data = input.stored.binary_data.values();
    let binary_data = Size {
        bytes: binary_data.map(|base64| base64.len() as i64).sum(),
        parts: 0,
    };
    let has_limits = input
        .config
        .grants
        .iter()
        .any(|grant| grant.max_kib.is_some());
    if !has_limits && (after + binary_data).fits() {
        return Vec::new();
    }
    let before = key_sizes(input, plan.before());
    let growth = growth(&before, &key_sizes(input, plan.after()), edit_sets, planned);
    let (adding, others): (Vec<_>, Vec<_>) = planned
        .iter()
        .zip(growth)
        .partition(|(edit_set, growth)| **edit_set < limited && growth.is_growth());
    let stored: Size = data
        .iter()
        .map(|(key, text)| Size::of_value(key, text))
        .sum();
    let mut size = stored + binary_data;
    let mut by_grant: BTreeMap<usize, i64> = BTreeMap::new();
    for of_key in before.values() {
        if let Some(grant) = of_key.grant {
            *by_grant.entry(grant).or_default() += of_key.size.bytes;
        }
    }
    for (_, growth) in others {
        size = size + growth.total;
        growth.add_to(&mut by_grant);
    }
    let mut excess = Vec::new();
    for (edit_set, growth) in adding {
        let next = size + growth.total;
        let is_full = (growth.total.bytes > 0 && next.bytes > MAX_SIZE.bytes)
            || (growth.total.parts > 0 && next.parts > MAX_SIZE.parts);
        let over_grant = growth.by_grant.iter().find_map(|(grant, bytes)| {
            let max = input.config.grants[*grant].max_kib?;
            let next = by_grant.get(grant).copied().unwrap_or_default() + bytes;
            (*bytes > 0 && next > i64::from(max) << 10).then_some(Excess::Grant(max))
        });
        match over_grant.or(is_full.then_some(Excess::AwsAuth)) {
            Some(why) => excess.push((*edit_set, why)),
            None => {
                size = next;
                growth.add_to(&mut by_grant);
            }
        }
    }
    excess
}

/// Returns how much each of these sets adds to the text of the entries that it edits. Counts each entry for the first set that edits it.
fn growth(
    before: &HashMap<Key, KeySize>,
    after: &HashMap<Key, KeySize>,
    edit_sets: &[EditSet],
    planned: &[usize],
) -> Vec<Growth> {
    let mut seen = HashSet::new();
    let mut of_edit_set = |edit_set: &usize| {
        let mut growth = Growth::default();
        for edit in &edit_sets[*edit_set].edits {
            let principal = edit.principal();
            let key = (principal.section(), fold(principal.text()).into_owned());
            if seen.contains(&key) {
                continue;
            }
            let of = |sizes: &HashMap<Key, KeySize>| sizes.get(&key).copied().unwrap_or_default();
            let (before, after) = (of(before), of(after));
            growth.total = growth.total + (after.size - before.size);
            for (of_key, sign) in [(before, -1), (after, 1)] {
                if let Some(grant) = of_key.grant {
                    *growth.by_grant.entry(grant).or_default() += sign * of_key.size.bytes;
                }
            }
            seen.insert(key);
        }
        growth
    };
    planned.iter().map(&mut of_edit_set).collect()
}

/// Returns the size of all entries of each key, and the limited grant that covers the first of them.
fn key_sizes(input: &Input<'_>, document: &Document) -> HashMap<Key, KeySize> {
    let mut sizes: HashMap<Key, KeySize> = HashMap::new();
    for section in document.sections() {
        for entry in section.entries() {
            let mapping = entry.written_mapping();
            let key = fold(mapping.principal.text()).into_owned();
            let of_key = sizes
                .entry((section.name(), key))
                .or_insert_with(|| KeySize {
                    size: Size::default(),
                    grant: limited_grant(input.config, section.name(), mapping),
                });
            of_key.size = of_key.size + Size::of_entry(section, entry);
        }
    }
    sizes
}

/// Returns the grant that covers a mapping, if its size is limited.
fn limited_grant(config: &Config, section: SectionName, mapping: &Mapping) -> Option<usize> {
    let grant = EntryRecord::of(section, mapping).grant(config)?;
    config.grants[grant].max_kib.map(|_| grant)
}

impl Growth {
    fn is_growth(&self) -> bool {
        let mut by_grant = self.by_grant.values();
        self.total.bytes > 0 || self.total.parts > 0 || by_grant.any(|bytes| *bytes > 0)
    }

    fn add_to(&self, by_grant: &mut BTreeMap<usize, i64>) {
        for (grant, bytes) in &self.by_grant {
            *by_grant.entry(*grant).or_default() += bytes;
        }
    }
}

impl Excess {
    /// Returns why an object is refused. The message does not contain the current size, so it stays the same for as long as the object
    /// is refused.
    pub(super) fn message(self) -> String {
        match self {
            Self::AwsAuth => "aws-auth is full: objects may not make it larger than 900 KiB of JSON or 32,000 lines. Delete objects, or remove entries that no object owns".to_owned(),
            Self::Grant(max) => format!("the entries of the grant in the controller's configuration may take {max} KiB (maxKiB), which is not enough for this one. Delete objects that use the grant, or raise maxKiB"),
        }
    }
}

impl Size {
    fn of(text: &str) -> Self {
        // The API server escapes the same characters as Go's encoding/json.
        let bytes = |char: char| match char {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => 6,
            char if char < ' ' => 6,
            char => char.len_utf8() as i64,
        };
        Self {
            bytes: text.chars().map(bytes).sum(),
            parts: text.bytes().filter(is_part).count() as i64,
        }
    }

    /// Returns the size of a value of `data`. The webhook counts the lines of sections only.
    fn of_value(key: &str, text: &str) -> Self {
        let size = Self::of(text);
        match SectionName::ALL.iter().any(|section| section.key() == key) {
            true => size,
            false => Self { parts: 0, ..size },
        }
    }

    /// Returns the size of an entry with its indentation, dash and line break, or its comma.
    fn of_entry(section: &Section, entry: &Entry) -> Self {
        let text = section.text().unwrap_or_default();
        let start = entry.dash.map_or(entry.span.start(), |dash| {
            text[..dash].rfind('\n').map_or(0, |end| end + 1)
        });
        let separator = Self { bytes: 2, parts: 1 };
        Self::of(&text[start..entry.span.end()]) + separator
    }

    fn fits(self) -> bool {
        self.bytes <= MAX_SIZE.bytes && self.parts <= MAX_SIZE.parts
    }
}

impl Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            parts: self.parts + other.parts,
        }
    }
}

impl Sub for Size {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            bytes: self.bytes - other.bytes,
            parts: self.parts - other.parts,
        }
    }
}

impl Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), Self::add)
    }
}
