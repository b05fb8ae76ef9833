//! The properties of edits, checked on one document and one batch of edits.

use std::collections::{BTreeMap, BTreeSet};

use awsauth_core::document::edit::{Edit, EditError, Edited, Groups, Outcome, apply};
use awsauth_core::document::{Document, Entry, Principal, Section, SectionName};

use comments::comment_lines;
use principal_identity::{as_written, identity, mapping_of, meanings, names, principal_of};
use principal_is_mapped::is_mapped;
use unchanged_entries::unchanged_entries;

// Named by path, so that the fuzz target can use this file too.
#[path = "edit_properties/comments.rs"]
mod comments;
#[path = "edit_properties/principal_identity.rs"]
mod principal_identity;
#[path = "edit_properties/principal_is_mapped.rs"]
mod principal_is_mapped;
#[path = "edit_properties/unchanged_entries.rs"]
mod unchanged_entries;

pub(crate) type Data = BTreeMap<String, String>;

/// Counts of each kind of outcome.
pub(crate) type Seen = BTreeMap<&'static str, u64>;

/// The property that does not hold.
type Broken = String;

/// Checks every property of a batch and on each of its edits.
pub(crate) fn check(data: &Data, edits: &[Edit], seen: &mut Seen) -> Result<(), Broken> {
    let before = Document::read(data);
    for section in before.sections() {
        let written = data.get(section.name().key()).map(String::as_str);
        holds(section.text() == written, || {
            "printing is not the identity".to_owned()
        })?;
    }
    let batch = apply(&before, edits);
    if let Ok(edited) = &batch {
        unchanged_entries(&before, edits, edited, seen)?;
    }
    let mut document = before.clone();
    let mut first_error = None;
    for edit in edits {
        match step(&document, edit, seen)? {
            Ok(next) => document = next,
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    // Lines refer to the text before the batch, so that only the first edit can use one.
    let names_line =
        |edit: &Edit| matches!(edit, Edit::Unmap { only_line, .. } if only_line.is_some());
    if !edits.iter().skip(1).any(names_line) {
        same_one_by_one(batch, first_error, &document, seen)?;
    }
    batch_twice(&before, edits)?;
    for section in before.sections() {
        there_and_back(&before, section, seen)?;
    }
    Ok(())
}

fn holds(property: bool, broken: impl FnOnce() -> Broken) -> Result<(), Broken> {
    if property { Ok(()) } else { Err(broken()) }
}

fn count(seen: &mut Seen, what: &'static str) {
    *seen.entry(what).or_default() += 1;
}

/// Checks a single edit: its effect, that nothing else changes, and that it is idempotent.
fn step(
    before: &Document,
    edit: &Edit,
    seen: &mut Seen,
) -> Result<Result<Document, EditError>, Broken> {
    let edited = match apply(before, std::slice::from_ref(edit)) {
        Ok(edited) => edited,
        Err(error) => {
            count(seen, refusal(&error)?);
            return Ok(Err(error));
        }
    };
    let outcome = &edited.outcomes[0];
    count(seen, name(outcome));
    unchanged_entries(before, std::slice::from_ref(edit), &edited, seen)?;
    let is_same = before
        .sections()
        .zip(edited.document.sections())
        .all(|(before, after)| before.text() == after.text());
    let says_same = matches!(outcome, Outcome::Unchanged | Outcome::Absent);
    holds(is_same == says_same, || {
        format!("{outcome:?}, and the text is the same: {is_same}")
    })?;
    match edit {
        Edit::Map {
            principal,
            username,
            groups,
        } => is_mapped(
            before,
            &edited.document,
            principal,
            username.as_deref(),
            groups,
        )?,
        Edit::Unmap {
            principal,
            only_line,
        } => {
            let section = edited.document.section(principal.section());
            let is_left = |entry: &&Entry| names(edit, principal_of(entry));
            let left = section.entries().iter().find(is_left);
            holds(only_line.is_some() || left.is_none(), || {
                format!("unmapped, but still there: {left:?}")
            })?;
        }
        Edit::RenameGroup {
            principal,
            from,
            to,
        } => {
            let section = principal.section();
            let renamed =
                |entry: &Entry| names(edit, principal_of(entry)) && entry.mapping().is_some();
            let groups = |entry: &Entry| -> BTreeSet<String> {
                mapping_of(entry).groups().iter().cloned().collect()
            };
            let (old, new) = (before.section(section), edited.document.section(section));
            for (old, new) in old.entries().iter().zip(new.entries()) {
                let mut expected = groups(old);
                if renamed(old) && expected.remove(from) {
                    expected.insert(to.clone());
                }
                holds(groups(new) == expected, || {
                    format!("{from} renamed to {to}: {:?}", mapping_of(new))
                })?;
            }
        }
    }
    let once = matches!(
        edit,
        Edit::Unmap {
            only_line: Some(_),
            ..
        }
    );
    if !once {
        let again = apply(&edited.document, std::slice::from_ref(edit))
            .map_err(|error| format!("the second time: {error}"))?;
        holds(
            matches!(again.outcomes[0], Outcome::Unchanged | Outcome::Absent),
            || format!("the second time: {:?}", again.outcomes[0]),
        )?;
        same_text(
            &edited.document,
            &again.document,
            "applying twice is not applying once",
        )?;
    }
    Ok(Ok(edited.document))
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Added => "added",
        Outcome::Changed { .. } => "changed",
        Outcome::Unchanged => "unchanged",
        Outcome::Removed { .. } => "removed",
        Outcome::Absent => "absent",
    }
}

fn refusal(error: &EditError) -> Result<&'static str, Broken> {
    Ok(match error {
        EditError::NotEditable { .. } => "refused: not editable",
        EditError::UneditableEntry { .. } => "refused: odd entry",
        EditError::NeedsUsername { .. } => "refused: needs username",
        EditError::OtherList { .. } => "refused: other list",
        EditError::NoSuchLine { .. } => "refused: no such line",
        EditError::Invalid { .. } => "refused: invalid",
        EditError::Bug { .. } => return Err(error.to_string()),
    })
}

fn same_text(a: &Document, b: &Document, property: &str) -> Result<(), Broken> {
    for (a, b) in a.sections().zip(b.sections()) {
        holds(a.text() == b.text(), || {
            format!("{property}:\n{:?}\n{:?}", a.text(), b.text())
        })?;
    }
    Ok(())
}

fn same_one_by_one(
    batch: Result<Edited, EditError>,
    first_error: Option<EditError>,
    document: &Document,
    seen: &mut Seen,
) -> Result<(), Broken> {
    match (batch, first_error) {
        (Ok(edited), None) => {
            count(seen, "batch: done");
            for (batch, single) in edited.document.sections().zip(document.sections()) {
                let (batch, single) = (meanings(batch), meanings(single));
                holds(batch == single, || {
                    format!("the batch differs from its edits:\n{batch:?}\n{single:?}")
                })?;
            }
            Ok(())
        }
        (Err(batch), Some(single)) => {
            count(seen, "batch: refused");
            holds(refusal(&batch)? == refusal(&single)?, || {
                format!("the batch: {batch}; its edits: {single}")
            })
        }
        (Err(batch), None) => Err(format!("the batch alone: {batch}")),
        (Ok(_), Some(single)) => Err(format!("one of the edits alone: {single}")),
    }
}

/// Checks that a batch without repeated principals changes nothing when it is applied again.
fn batch_twice(before: &Document, edits: &[Edit]) -> Result<(), Broken> {
    let mut principals = BTreeSet::new();
    for edit in edits {
        let principal = edit.principal();
        let once = match edit {
            Edit::Unmap { only_line, .. } => only_line.is_some(),
            Edit::Map { .. } | Edit::RenameGroup { .. } => false,
        };
        let names = BTreeSet::from([identity(principal), as_written(principal)]);
        if once || !principals.is_disjoint(&names) {
            return Ok(());
        }
        principals.extend(names);
    }
    let Ok(once) = apply(before, edits) else {
        return Ok(());
    };
    let twice =
        apply(&once.document, edits).map_err(|error| format!("the second time: {error}"))?;
    let again = twice
        .outcomes
        .iter()
        .find(|outcome| !matches!(outcome, Outcome::Unchanged | Outcome::Absent));
    holds(again.is_none(), || {
        format!("the batch a second time: {again:?}")
    })?;
    same_text(
        &once.document,
        &twice.document,
        "applying a batch twice is not applying it once",
    )
}

/// Checks that adding and removing an entry restores the text, or leaves an empty list if there was no entry.
fn there_and_back(before: &Document, section: &Section, seen: &mut Seen) -> Result<(), Broken> {
    let name = section.name();
    let principal = match name {
        SectionName::Roles => Principal::Role("arn:aws:iam::999999999999:role/new".to_owned()),
        SectionName::Users => Principal::User("arn:aws:iam::999999999999:user/new".to_owned()),
        SectionName::Accounts => Principal::Account("999999999999".to_owned()),
    };
    let map = Edit::Map {
        principal: principal.clone(),
        username: Some("someone".to_owned()),
        groups: Groups::Set(vec!["system:masters".to_owned(), "a, b: #c".to_owned()]),
    };
    let unmap = Edit::Unmap {
        principal,
        only_line: None,
    };
    let there = match apply(before, &[map]) {
        Ok(there) => there,
        Err(error) => return refusal(&error).map(|_| ()),
    };
    if there.outcomes != [Outcome::Added] {
        return Ok(());
    }
    let there = there.document;
    let back = apply(&there, &[unmap]).map_err(|error| format!("there, and not back: {error}"))?;
    let (old, new) = (section.text(), back.document.section(name).text());
    if !section.entries().is_empty() {
        count(seen, "there and back");
        return holds(old == new, || {
            format!(
                "there and back:\n{old:?}\n{:?}\n{new:?}",
                there.section(name).text()
            )
        });
    }
    count(seen, "there and back to none");
    let new = new.unwrap_or_default();
    let empty = back.document.section(name);
    holds(
        new.contains('[') && empty.entries().is_empty() && empty.problems().is_empty(),
        || format!("there and back to no empty list: {old:?} {new:?}"),
    )?;
    let mut found = comment_lines(new).into_iter();
    for (_, _, comment) in comment_lines(old.unwrap_or_default()) {
        holds(found.any(|(_, _, found)| found == comment), || {
            format!("there and back without {comment:?}: {new:?}")
        })?;
    }
    Ok(())
}
