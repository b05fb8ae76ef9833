//! The property that only comments of removed entries are removed.

use awsauth_core::document::{Entry, Section};

use super::unchanged_entries::{ExpectedOutcome, is_break, line};
use super::{Broken, Seen, count, holds};

/// Returns the comment lines: position, column and text.
pub(super) fn comment_lines(text: &str) -> Vec<(usize, usize, &str)> {
    let starts = std::iter::once(0).chain(text.char_indices().filter_map(|(at, char)| {
        let is_middle = char == '\r' && text[at..].starts_with("\r\n");
        (is_break(char) && !is_middle).then_some(at + char.len_utf8())
    }));
    starts
        .filter_map(|start| {
            let bom = if start == 0 && text.starts_with('\u{feff}') {
                3
            } else {
                0
            };
            let start = start + bom;
            let line = line(text, start);
            let content = line.trim_start_matches([' ', '\t']);
            content
                .starts_with('#')
                .then_some((start, line.len() - content.len(), content))
        })
        .collect()
}

pub(super) fn comments(
    before: &Section,
    old: &str,
    new: &str,
    fates: &[ExpectedOutcome],
    seen: &mut Seen,
) -> Result<(), Broken> {
    let mut found = comment_lines(new).into_iter();
    let lines = comment_lines(old);
    for (number, &(start, column, text)) in lines.iter().enumerate() {
        let of = before.entries().iter().position(|entry| {
            (entry.dash.unwrap_or(entry.span.start())..entry.span.end()).contains(&start)
        });
        let may_go = match of {
            // Entries that stay are compared byte by byte.
            Some(entry) => {
                fates[entry] != ExpectedOutcome::Changes || is_in_scalar(old, before, entry)
            }
            None => belongs_to_removed_entry(before, old, fates, &lines, number, column),
        };
        if may_go {
            continue;
        }
        count(seen, "comments");
        holds(found.any(|(_, _, found)| found == text), || {
            format!("a comment is lost: {text:?}")
        })?;
    }
    Ok(())
}

/// Returns whether an apparent comment inside an entry could be part of a scalar.
fn is_in_scalar(text: &str, section: &Section, entry: usize) -> bool {
    text[section.entries()[entry].span.range()].contains(['|', '>', '"', '\''])
}

/// Returns whether blank lines after an entry may be part of it.
fn may_go_on(text: &str, entry: &Entry, end: usize, comment: usize) -> bool {
    let blanks = &text[end..comment];
    let is_block = text[entry.span.range()].contains(['|', '>']);
    blanks.trim().is_empty() && (is_block || blanks.contains('\t'))
}

/// Returns whether the comment is directly above a removed entry, at the column of its dash, or directly below it
/// with more indentation.
fn belongs_to_removed_entry(
    before: &Section,
    text: &str,
    fates: &[ExpectedOutcome],
    comments: &[(usize, usize, &str)],
    number: usize,
    column: usize,
) -> bool {
    let is_right_behind = |end: usize, start: usize| {
        let between = &text[end..start];
        let breaks = between
            .replace("\r\n", "\n")
            .chars()
            .filter(|char| is_break(*char))
            .count();
        breaks <= 1
    };
    let mut entries = before.entries().iter().zip(fates);
    entries.any(|(entry, expected_outcome)| {
        let Some(dash) = entry
            .dash
            .filter(|_| *expected_outcome == ExpectedOutcome::Goes)
        else {
            return false;
        };
        let indent = dash - text[..dash].trim_end_matches([' ', '\t']).len();
        let run = |from: usize, to: usize, fits: &dyn Fn(usize) -> bool| {
            comments[from..=to]
                .windows(2)
                .all(|pair| is_right_behind(pair[0].0 + pair[0].1 + pair[0].2.len(), pair[1].0))
                && comments[from..=to].iter().all(|comment| fits(comment.1))
        };
        let start = comments[number].0;
        if start < dash {
            let last = comments
                .iter()
                .rposition(|comment| comment.0 < dash)
                .unwrap_or(number);
            let end = comments[last].0 + comments[last].1 + comments[last].2.len();
            column == indent
                && run(number, last, &|column| column == indent)
                && text[end..dash].trim().is_empty()
                && is_right_behind(end, dash)
        } else {
            let end = entry.span.end().max(dash);
            let first = comments
                .iter()
                .position(|comment| comment.0 >= end)
                .unwrap_or(number);
            let behind = end + line(text, end).len();
            column > indent
                && first <= number
                && run(first, number, &|column| column > indent)
                && (is_right_behind(behind, comments[first].0)
                    || may_go_on(text, entry, behind, comments[first].0))
        }
    })
}
