//! Limits how large objects may make aws-auth, so that it still fits into a ConfigMap and the webhook can review its edits.

use std::collections::HashMap;
use std::iter::Sum;
use std::ops::{Add, Sub};

use super::super::decision::Input;
use super::desired_entry::Key;
use super::edit_batch::EditSet;
use crate::admission::{MAX_PARTS, is_part};
use crate::arn::fold;
use crate::document::{Document, Entry, Section};
use crate::plan::Plan;

/// The size up to which objects may add to aws-auth. A ConfigMap may have 1 MiB; the rest is for protected entries, EKS and other
/// clients. The body of a review may have 3 MiB, and contains two versions.
const MAX_SIZE: Size = Size {
    bytes: 900 << 10,
    parts: 32_000,
};
const _: () = assert!(MAX_SIZE.parts as usize <= MAX_PARTS / 2);

/// Why an object is refused. It does not contain the current size, so it stays the same for as long as the object is refused.
pub(super) const MESSAGE: &str = "aws-auth is full: objects may not make it larger than 900 KiB of JSON or 32,000 lines. Delete objects, or remove entries that no object owns";

/// The size of a text, or the difference between two sizes.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    /// The bytes of the text in JSON.
    bytes: i64,
    /// The lines and items that the webhook counts.
    parts: i64,
}

/// Returns which of the planned sets add more than fits. Counts everything else first, then the sets in their order. Only the first
/// `limited` sets are limited. Takes time linear in the texts.
pub(super) fn excess(
    input: &Input<'_>,
    plan: &Plan,
    edit_sets: &[EditSet],
    planned: &[usize],
    limited: usize,
) -> Vec<usize> {
    let data = &input.stored.data;
    let change = &plan.change.data;
    let unchanged = data.iter().filter(|(key, _)| !change.contains_key(&***key));
    let after = unchanged
        .map(|(_, text)| text)
        .chain(change.values().flatten());
    if after.map(|text| Size::of(text)).sum::<Size>().fits() {
        return Vec::new();
    }
    let growth = growth(plan, edit_sets, planned);
    let (adding, others): (Vec<_>, Vec<_>) = planned
        .iter()
        .zip(growth)
        .partition(|(edit_set, growth)| **edit_set < limited && growth.is_growth());
    let stored: Size = data.values().map(|text| Size::of(text)).sum();
    let mut size = stored + others.into_iter().map(|(_, growth)| growth).sum();
    let mut excess = Vec::new();
    for (edit_set, growth) in adding {
        let next = size + growth;
        let is_excess = (growth.bytes > 0 && next.bytes > MAX_SIZE.bytes)
            || (growth.parts > 0 && next.parts > MAX_SIZE.parts);
        match is_excess {
            true => excess.push(*edit_set),
            false => size = next,
        }
    }
    excess
}

/// Returns how much each of these sets adds to the text of the entries that it edits. Counts each entry for the first set that edits it.
fn growth(plan: &Plan, edit_sets: &[EditSet], planned: &[usize]) -> Vec<Size> {
    let (mut before, mut after) = (entry_sizes(plan.before()), entry_sizes(plan.after()));
    let of_edit_set = |edit_set: &usize| {
        let edits = edit_sets[*edit_set].edits.iter();
        let sizes = edits.map(|edit| {
            let principal = edit.principal();
            let key = (principal.section(), fold(principal.text()).into_owned());
            let take = |sizes: &mut HashMap<Key, Size>| sizes.remove(&key).unwrap_or_default();
            take(&mut after) - take(&mut before)
        });
        sizes.sum()
    };
    planned.iter().map(of_edit_set).collect()
}

/// Returns the size of all entries of each key.
fn entry_sizes(document: &Document) -> HashMap<Key, Size> {
    let mut sizes: HashMap<Key, Size> = HashMap::new();
    for section in document.sections() {
        for entry in section.entries() {
            let principal = fold(entry.written_mapping().principal.text()).into_owned();
            let size = sizes.entry((section.name(), principal)).or_default();
            *size = *size + Size::of_entry(section, entry);
        }
    }
    sizes
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

    fn is_growth(self) -> bool {
        self.bytes > 0 || self.parts > 0
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
