//! Refuses to change or remove an entry that is not as the request requires.

use std::collections::HashSet;

use super::{Case, Guard, Verdict, describe};
use crate::arn::principal_key;
use crate::authenticator::{User, template};
use crate::document::edit::{Edit, Outcome};
use crate::document::{Entry, Section};
use crate::facts::access_entries::AccessEntry;

/// Refuses to change a mapping that may only be created, and to remove an entry that is not as expected.
pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let request = case.request;
    let create_only = request.create_only.iter();
    let create_only: HashSet<String> = create_only
        .map(|principal| principal_key(principal.text()))
        .collect();
    let mut refuse = |is_removal: bool, arn: &str, user: &User, place: &str| {
        if is_removal {
            let expected = request.expected.as_ref();
            if expected.is_some_and(|expected| !expected.is_met(user)) {
                let message = format!("{arn} is not as expected: it is {}{place}", describe(user));
                verdict.refuse_always(arn, Guard::UnexpectedEntry, message);
            }
        } else if create_only.contains(&principal_key(arn)) {
            let message = format!(
                "{arn} is already mapped otherwise, to {}{place}",
                describe(user)
            );
            verdict.refuse_always(arn, Guard::AlreadyMapped, message);
        }
    };
    for (edit, outcome) in case.outcomes.iter().take(request.edits.len()) {
        let lines: &[usize] = match outcome {
            Outcome::Removed { lines } => lines,
            Outcome::Changed { line } => line.as_slice(),
            Outcome::Added | Outcome::Unchanged | Outcome::Absent => &[],
        };
        let section = case.before.document.section(edit.principal().section());
        let name = principal_key(edit.principal().text());
        for entry in lines.iter().flat_map(|line| entries_at(*line, section)) {
            let mapping = entry.written_mapping();
            let arn = mapping.principal.text();
            if principal_key(arn) == name {
                let place = format!(" ({} line {})", section.name().key(), entry.line);
                let is_removal = matches!(edit, Edit::Unmap { .. });
                refuse(is_removal, arn, &User::from(mapping), &place);
            }
        }
    }
    for change in case.entry_changes() {
        if let Some(entry) = change
            .entry_before()
            .filter(|_| !change.operations().is_empty())
        {
            let place = " (access entry)";
            refuse(
                change.after.is_none(),
                &change.principal_arn,
                &user_of(&entry),
                place,
            );
        }
    }
}

/// Returns the entries that start at this line, which are several if they are in brackets.
fn entries_at(line: usize, section: &Section) -> impl Iterator<Item = &Entry> {
    let entries = section.entries();
    let start = entries.partition_point(|entry| entry.line < line);
    let rest = entries[start..].iter();
    rest.take_while(move |entry| entry.line == line)
}

fn user_of(entry: &AccessEntry) -> User {
    let terms = entry.terms.as_ref();
    terms
        .map(|terms| template(entry, terms))
        .unwrap_or_default()
}
