//! The property that entries without an edit keep every byte.

use awsauth_core::document::edit::{Edit, Edited, Outcome};
use awsauth_core::document::{Document, Entry, Mapping};

use super::comments::comments;
use super::principal_identity::{mapping_of, names, principal_of};
use super::{Broken, Seen, count, holds};

/// The outcome for an entry.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum ExpectedOutcome {
    Stays,
    Goes,
    Changes,
}

fn expected_outcome(entry: &Entry, edits: &[Edit], outcomes: &[Outcome]) -> ExpectedOutcome {
    let mut expected_outcome = ExpectedOutcome::Stays;
    for (edit, outcome) in edits.iter().zip(outcomes) {
        match outcome {
            Outcome::Removed { lines }
                if lines.contains(&entry.line) && names(edit, principal_of(entry)) =>
            {
                return ExpectedOutcome::Goes;
            }
            // If several entries change, the outcome names one line.
            Outcome::Changed { .. } if names(edit, principal_of(entry)) => {
                expected_outcome = ExpectedOutcome::Changes
            }
            _ => {}
        }
    }
    expected_outcome
}

/// Checks that entries without an edit keep every byte, and that only comments of removed entries are removed.
pub(super) fn unchanged_entries(
    before: &Document,
    edits: &[Edit],
    edited: &Edited,
    seen: &mut Seen,
) -> Result<(), Broken> {
    for (before, after) in before.sections().zip(edited.document.sections()) {
        let (Some(old), Some(new)) = (before.text(), after.text()) else {
            holds(before.text().is_none(), || "a section is gone".to_owned())?;
            continue;
        };
        let fates: Vec<_> = (before.entries().iter())
            .map(|entry| expected_outcome(entry, edits, &edited.outcomes))
            .collect();
        if old != new {
            let of = |edit: &Edit| edit.principal().section();
            holds(edits.iter().any(|edit| of(edit) == before.name()), || {
                "a section that no edit names is different".to_owned()
            })?;
        }
        let kept = before.entries().iter().zip(&fates);
        let kept: Vec<_> = kept
            .filter(|(_, expected_outcome)| **expected_outcome != ExpectedOutcome::Goes)
            .collect();
        holds(kept.len() <= after.entries().len(), || {
            "an entry is missing".to_owned()
        })?;
        for ((was, expected_outcome), is) in kept.iter().zip(after.entries()) {
            if **expected_outcome != ExpectedOutcome::Stays {
                continue;
            }
            let (was, is) = (lines_of(old, was), lines_of(new, is));
            holds(was == is, || {
                format!("the bytes of an unchanged entry changed:\n{was:?}\n{is:?}")
            })?;
            count(seen, "unchanged_entries");
        }
        for (was, _) in &kept {
            if is_node(mapping_of(was)) {
                count(seen, "node entries");
            }
        }
        comments(before, old, new, &fates, seen)?;
    }
    Ok(())
}

fn is_node(mapping: &Mapping) -> bool {
    let has = |name: &str| mapping.groups().iter().any(|group| group == name);
    mapping.username.starts_with("system:node:")
        || has("system:bootstrappers") && has("system:nodes")
}

/// The bytes of an entry, with the comment at the end of its last line.
fn lines_of<'t>(text: &'t str, entry: &Entry) -> (&'t str, &'t str) {
    let start = entry.dash.unwrap_or(entry.span.start());
    let end = entry.span.end().max(start);
    let tail = line(text, end);
    // In flow style, commas change.
    let comment = if entry.dash.is_some() {
        tail.trim_end()
    } else {
        tail.trim_start_matches([' ', '\t', ','])
    };
    let is_comment = comment.trim_start().starts_with('#');
    let written = text[start..end].trim_end();
    (written, if is_comment { comment } else { "" })
}

pub(super) fn is_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The rest of the line at `at`.
pub(super) fn line(text: &str, at: usize) -> &str {
    text[at..].split(is_break).next().unwrap_or_default()
}
