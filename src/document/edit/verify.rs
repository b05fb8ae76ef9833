//! Whether the result says what it should.

use super::EditError;
use super::model::{Fate, SectionModel, mapping_of};
use crate::document::{Entry, Mapping, Section, Status};

/// Reads the result against the model.
pub(super) fn verify(model: &SectionModel<'_>, result: &Section) -> Result<(), EditError> {
    let bug = |detail: String| EditError::Bug {
        section: model.section.name(),
        detail,
    };
    let kept = model
        .section
        .entries()
        .iter()
        .zip(model.fates())
        .enumerate()
        .filter(|(_, (_, fate))| **fate != Fate::Goes);
    let mut found = result.entries().iter();
    for (slot, (entry, _)) in kept {
        let next = found
            .next()
            .ok_or_else(|| bug("an entry is missing".to_owned()))?;
        let is_right = match model.changed(slot) {
            Some(mapping) => says(next, &mapping),
            // Why an entry is dropped may name its line, and that may be another one now.
            None => {
                next.mapping().is_some() == entry.mapping().is_some()
                    && mapping_of(next) == mapping_of(entry)
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
        if !says(next, mapping) {
            return Err(bug(format!("the new entry at line {} differs", next.line)));
        }
    }
    match found.next() {
        Some(extra) => Err(bug(format!("line {} is one entry too many", extra.line))),
        None if model.section.problems().is_empty() && !result.problems().is_empty() => Err(bug(
            format!("it has a new problem: {}", result.problems()[0].message),
        )),
        None => Ok(()),
    }
}

/// Whether an entry says this, in whatever order of groups.
fn says(entry: &Entry, mapping: &Mapping) -> bool {
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
