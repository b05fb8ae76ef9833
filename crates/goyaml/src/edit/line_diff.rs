//! Compares two strings line by line.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

/// A range of old lines and the range of new lines that replaces it; one of them may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) old: Range<usize>,
    pub(super) new: Range<usize>,
}

/// Returns where two strings differ, in order. The lines between the hunks are the same in both.
///
/// This is a patience diff: lines that occur exactly once in both are anchors. It takes O(n log n) time for any
/// input, but does not always find the shortest diff.
pub(super) fn line_diff<T: Copy + Eq + Hash>(old: &[T], new: &[T]) -> Vec<Hunk> {
    let mut hunks = Vec::new();
    // The second round finds lines that are unique between two anchors of the first.
    split(
        old,
        new,
        Hunk {
            old: 0..old.len(),
            new: 0..new.len(),
        },
        2,
        &mut hunks,
    );
    hunks
}

fn split<T: Copy + Eq + Hash>(
    old: &[T],
    new: &[T],
    hunk: Hunk,
    rounds: usize,
    out: &mut Vec<Hunk>,
) {
    let hunk = trim(old, new, hunk);
    if hunk.old.is_empty() && hunk.new.is_empty() {
        return;
    }
    let anchors = match rounds {
        0 => Vec::new(),
        _ if hunk.old.is_empty() || hunk.new.is_empty() => Vec::new(),
        _ => anchors(old, new, &hunk),
    };
    if anchors.is_empty() {
        out.push(hunk);
        return;
    }
    let (mut from_old, mut from_new) = (hunk.old.start, hunk.new.start);
    for (at_old, at_new) in anchors {
        split(
            old,
            new,
            Hunk {
                old: from_old..at_old,
                new: from_new..at_new,
            },
            rounds - 1,
            out,
        );
        (from_old, from_new) = (at_old + 1, at_new + 1);
    }
    split(
        old,
        new,
        Hunk {
            old: from_old..hunk.old.end,
            new: from_new..hunk.new.end,
        },
        rounds - 1,
        out,
    );
}

/// Removes equal lines at both ends.
fn trim<T: Eq>(old: &[T], new: &[T], mut hunk: Hunk) -> Hunk {
    let (left, right) = (&old[hunk.old.clone()], &new[hunk.new.clone()]);
    let head = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let tail = left[head..]
        .iter()
        .rev()
        .zip(right[head..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    hunk.old = hunk.old.start + head..hunk.old.end - tail;
    hunk.new = hunk.new.start + head..hunk.new.end - tail;
    hunk
}

/// Returns pairs of equal lines that occur once on each side, in an order that ascends on both sides.
fn anchors<T: Copy + Eq + Hash>(old: &[T], new: &[T], hunk: &Hunk) -> Vec<(usize, usize)> {
    #[derive(Default)]
    struct Seen {
        old: Option<usize>,
        new: Option<usize>,
        twice: bool,
    }
    let mut seen: HashMap<T, Seen> = HashMap::new();
    for at in hunk.old.clone() {
        let line = seen.entry(old[at]).or_default();
        line.twice |= line.old.replace(at).is_some();
    }
    for at in hunk.new.clone() {
        let Some(line) = seen.get_mut(&new[at]) else {
            continue;
        };
        line.twice |= line.new.replace(at).is_some();
    }
    let mut pairs: Vec<(usize, usize)> = seen
        .into_values()
        .filter(|line| !line.twice)
        .filter_map(|line| line.old.zip(line.new))
        .collect();
    pairs.sort_unstable();
    longest_ascending(&pairs)
}

/// Returns the longest subsequence in which the second number ascends. The pairs are sorted by the first one.
fn longest_ascending(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // tops[n] is the pair with the smallest second number that ends a run of n + 1 pairs.
    let mut tops: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, pair) in pairs.iter().enumerate() {
        let length = tops.partition_point(|&top| pairs[top].1 < pair.1);
        before.push(length.checked_sub(1).map(|n| tops[n]));
        match tops.get_mut(length) {
            Some(top) => *top = at,
            None => tops.push(at),
        }
    }
    let mut run: Vec<(usize, usize)> =
        std::iter::successors(tops.last().copied(), |&at| before[at])
            .map(|at| pairs[at])
            .collect();
    run.reverse();
    run
}
