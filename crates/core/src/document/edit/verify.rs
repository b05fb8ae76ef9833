//! Verifies that the edited section has the intended meaning.

use super::EditError;
use super::section_model::{EntryChange, SectionModel};
use crate::document::{Entry, Mapping, Section, Status};

/// Compares the result with the model.
///
/// # Errors
/// [`EditError::Bug`] if they differ.
pub(super) fn verify(model: &SectionModel<'_>, result: &Section) -> Result<(), EditError> {
    let bug = |detail: String| EditError::Bug {
        section: model.section.name(),
        detail,
    };
    let kept = model
        .section
        .entries()
        .iter()
        .zip(model.changes())
        .enumerate()
        .filter(|(_, (_, change))| **change != EntryChange::Removed);
    let mut found = result.entries().iter();
    for (slot, (entry, _)) in kept {
        let next = found
            .next()
            .ok_or_else(|| bug("an entry is missing".to_owned()))?;
        let is_right = match model.changed(slot) {
            Some(mapping) => reads_as(next, &mapping),
            // The reason for dropping an entry may name its line, which may have changed.
            None => {
                next.mapping().is_some() == entry.mapping().is_some()
                    && next.written_mapping() == entry.written_mapping()
            }
        };
        if !is_right {
            return Err(bug(format!("line {} differs", next.line)));
        }
    }
    for mapping in &model.added() {
        let next = found
            .next()
            .ok_or_else(|| bug("a new entry is missing".to_owned()))?;
        if !reads_as(next, mapping) {
            return Err(bug(format!("the new entry at line {} differs", next.line)));
        }
    }
    match found.next() {
        Some(extra) => Err(bug(format!(
            "there is an unexpected entry at line {}",
            extra.line
        ))),
        None if model.section.problems().is_empty() && !result.problems().is_empty() => Err(bug(
            format!("it has a new problem: {}", result.problems()[0].message),
        )),
        None => Ok(()),
    }
}

/// Returns whether the authenticator keeps an entry as this mapping, with its groups in any order.
fn reads_as(entry: &Entry, mapping: &Mapping) -> bool {
    let Status::Kept(found) = &entry.status else {
        return false;
    };
    let sorted = |mapping: &Mapping| {
        let mut groups = mapping.groups().to_vec();
        groups.sort_unstable();
        groups.dedup();
        groups
    };
    found.principal == mapping.principal
        && found.username == mapping.username
        && sorted(found) == sorted(mapping)
}
