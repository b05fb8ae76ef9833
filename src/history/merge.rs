use std::ops::Range;

use similar::{DiffOp, TextDiff};

/// Lines of the base in whose place others stand.
struct Hunk<'a> {
    base: Range<usize>,
    lines: Vec<&'a str>,
}

/// Both changes of `base` in one text; `None` when they touch the same lines, or put something in the same place.
pub(super) fn merge(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let (ours, theirs) = (hunks(base, ours), hunks(base, theirs));
    for a in &ours {
        for b in theirs.iter().filter(|b| !is_same(a, b)) {
            let touch = a.base.start < b.base.end && b.base.start < a.base.end;
            if touch || (a.base.is_empty() && b.base.is_empty() && a.base == b.base) {
                return None;
            }
        }
    }
    let mut hunks = ours;
    for hunk in theirs {
        if !hunks.iter().any(|other| is_same(other, &hunk)) {
            hunks.push(hunk);
        }
    }
    hunks.sort_by_key(|hunk| (hunk.base.start, hunk.base.end));
    let lines: Vec<&str> = base.split_inclusive('\n').collect();
    let mut merged = String::new();
    let mut at = 0;
    for hunk in hunks {
        merged.extend(lines.get(at..hunk.base.start)?.iter().copied());
        merged.extend(hunk.lines);
        at = hunk.base.end;
    }
    merged.extend(lines.get(at..)?.iter().copied());
    Some(merged)
}

fn is_same(a: &Hunk<'_>, b: &Hunk<'_>) -> bool {
    a.base == b.base && a.lines == b.lines
}

/// What stands between the lines that are the same. The other operations are not looked at: after they were shifted for
/// readability, their places in the base are not always right.
fn hunks<'a>(base: &str, changed: &'a str) -> Vec<Hunk<'a>> {
    let old: Vec<&str> = base.split_inclusive('\n').collect();
    let new: Vec<&str> = changed.split_inclusive('\n').collect();
    // By slices: the crate's own notion of lines ends them at a lone carriage return, too.
    let diff = TextDiff::from_slices(&old, &new);
    let same = diff.ops().iter().filter_map(|op| match op {
        DiffOp::Equal { .. } => Some((op.old_range(), op.new_range())),
        _ => None,
    });
    let end = (old.len()..old.len(), new.len()..new.len());
    let (mut old_at, mut new_at) = (0, 0);
    let mut hunks = Vec::new();
    for (in_old, in_new) in same.chain([end]) {
        let hunk = Hunk {
            base: old_at..in_old.start,
            lines: new[new_at..in_new.start].to_vec(),
        };
        if !hunk.base.is_empty() || !hunk.lines.is_empty() {
            hunks.push(hunk);
        }
        (old_at, new_at) = (in_old.end, in_new.end);
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_are_merged_and_the_same_place_is_not() {
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
        fn one_change_alone_is_that_change(base in "([a-c]\n){0,8}", changed in "([a-c]\r?\n){0,8}[a-c]?") {
            let both = [merge(&base, &changed, &base), merge(&base, &base, &changed), merge(&base, &changed, &changed)];
            prop_assert!(both.iter().all(|merged| merged.as_ref() == Some(&changed)), "{both:?}");
        }
    }
}
