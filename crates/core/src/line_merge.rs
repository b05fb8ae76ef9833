//! Three-way merge by lines.

use std::ops::Range;

use similar::{DiffTag, TextDiff};

/// A range of lines in the base, and the lines that replace it.
struct Hunk<'a> {
    base: Range<usize>,
    lines: Vec<&'a str>,
}

/// A part of the result of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Lines without a conflict.
    Agreed(Vec<&'a str>),
    /// Lines that both sides changed or inserted at the same position.
    Conflict {
        ours: Vec<&'a str>,
        theirs: Vec<&'a str>,
    },
}

impl<'a> Piece<'a> {
    /// Returns the lines of both sides.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'a str> {
        let (one, other) = match self {
            Self::Agreed(lines) => (lines.as_slice(), &[][..]),
            Self::Conflict { ours, theirs } => (ours.as_slice(), theirs.as_slice()),
        };
        one.iter().chain(other).copied()
    }
}

/// Merges two changes of `base`; `None` if they change the same lines or insert at the same position.
pub(crate) fn merge(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let mut merged = String::new();
    for piece in pieces(base, ours, theirs) {
        match piece {
            Piece::Agreed(lines) => merged.extend(lines),
            Piece::Conflict { .. } => return None,
        }
    }
    Some(merged)
}

/// Merges two changes of `base` into a sequence of pieces.
pub(crate) fn pieces<'a>(base: &'a str, ours: &'a str, theirs: &'a str) -> Vec<Piece<'a>> {
    let lines: Vec<&str> = base.split_inclusive('\n').collect();
    let [mut ours, mut theirs] =
        [ours, theirs].map(|changed| hunks(base, changed).into_iter().peekable());
    let mut pieces = Vec::new();
    let mut at = 0;
    loop {
        let first = match (ours.peek(), theirs.peek()) {
            (None, None) => break,
            (Some(hunk), None) | (None, Some(hunk)) => hunk.base.clone(),
            (Some(one), Some(other)) => {
                let key = |hunk: &Hunk<'_>| (hunk.base.start, hunk.base.end);
                if key(one) <= key(other) {
                    one.base.clone()
                } else {
                    other.base.clone()
                }
            }
        };
        // Hunks that touch the range extend it, and may then touch further hunks.
        let mut range = first;
        let mut taken = [Vec::new(), Vec::new()];
        loop {
            let before = taken.iter().map(Vec::len).sum::<usize>();
            for (hunks, taken) in [&mut ours, &mut theirs].into_iter().zip(&mut taken) {
                while let Some(hunk) =
                    hunks.next_if(|hunk| hunk.base == range || touch(&hunk.base, &range))
                {
                    range = range.start.min(hunk.base.start)..range.end.max(hunk.base.end);
                    taken.push(hunk);
                }
            }
            if taken.iter().map(Vec::len).sum::<usize>() == before {
                break;
            }
        }
        pieces.push(Piece::Agreed(lines[at..range.start].to_vec()));
        at = range.end;
        let [ours, theirs] = &taken;
        let [ours_lines, theirs_lines] = [ours, theirs].map(|hunks| changed(&lines, &range, hunks));
        pieces.push(match (ours.is_empty(), theirs.is_empty()) {
            (_, true) => Piece::Agreed(ours_lines),
            (true, _) => Piece::Agreed(theirs_lines),
            _ if ours_lines == theirs_lines => Piece::Agreed(ours_lines),
            _ => Piece::Conflict {
                ours: ours_lines,
                theirs: theirs_lines,
            },
        });
    }
    pieces.push(Piece::Agreed(lines[at..].to_vec()));
    pieces.retain(|piece| *piece != Piece::Agreed(Vec::new()));
    pieces
}

/// Returns this range of the base after these hunks.
fn changed<'a>(lines: &[&'a str], range: &Range<usize>, hunks: &[Hunk<'a>]) -> Vec<&'a str> {
    let mut changed = Vec::new();
    let mut at = range.start;
    for hunk in hunks {
        changed.extend(&lines[at..hunk.base.start]);
        changed.extend(&hunk.lines);
        at = hunk.base.end;
    }
    changed.extend(&lines[at..range.end]);
    changed
}

fn touch(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// Returns the ranges of lines that differ.
fn hunks<'a>(base: &str, changed: &'a str) -> Vec<Hunk<'a>> {
    let old: Vec<&str> = base.split_inclusive('\n').collect();
    let new: Vec<&str> = changed.split_inclusive('\n').collect();
    // Compares slices because the crate also splits lines at a lone carriage return.
    let diff = TextDiff::from_slices(&old, &new);
    let differing = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal);
    differing
        .map(|op| Hunk {
            base: op.old_range(),
            lines: new[op.new_range()].to_vec(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn adjacent_changes_merge_and_changes_at_the_same_position_conflict() {
        let cases = [
            ("a\nb\nc\n", "a\nc\n", "a\nb\nc\nd\n", Some("a\nc\nd\n")),
            ("a\nb\n", "a\n", "a\nb\nd\n", Some("a\nd\n")),
            ("a\nb\n", "b\n", "x\na\nb\n", Some("x\nb\n")),
            ("a\nb\n", "a\n", "a\nB\n", None),
            ("a\n", "a\nx\n", "a\ny\n", None),
            ("a\nb\n", "a\n", "a\n", Some("a\n")),
            ("a\nb", "a\n", "a\nb", Some("a\n")),
        ];
        for (base, ours, theirs, merged) in cases {
            assert_eq!(
                merge(base, ours, theirs).as_deref(),
                merged,
                "{base:?} {ours:?} {theirs:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn merge_with_an_unchanged_side_returns_the_other_side(base in "([a-c]\n){0,8}", changed in "([a-c]\r?\n){0,8}[a-c]?") {
            let both = [merge(&base, &changed, &base), merge(&base, &base, &changed), merge(&base, &changed, &changed)];
            prop_assert!(both.iter().all(|merged| merged.as_ref() == Some(&changed)), "{both:?}");
        }
    }
}
