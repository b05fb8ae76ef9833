//! Edits as data, and the function that applies a batch of them.
//!
//! An edit names the entries that it changes; every other byte of the section is preserved. The result is parsed again, and the
//! batch fails unless exactly the intended entries changed. [`goyaml::edit`] handles lines, quoting and lists; this module knows
//! the fields of an entry.

mod change_entry;
mod check_editable;
mod edit_and_outcome;
mod entry_template;
mod error;
mod group_set;
mod new_list;
mod principal_index;
mod section_model;
mod section_text;
mod verify;

pub use edit_and_outcome::{Edit, Groups, Outcome};
pub use error::EditError;

use super::{Document, Entry, Section};
use section_model::Model;

/// A document after a batch of edits.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The result, parsed again.
    pub document: Document,
    /// The outcome of each edit, in the order of the batch.
    pub outcomes: Vec<Outcome>,
}

/// Returns why edits cannot change this entry of a section, as a sentence fragment; `None` if they can.
pub(crate) fn why_not_changed(section: &Section, entry: &Entry) -> Option<&'static str> {
    change_entry::changeable(section.text().unwrap_or_default(), entry).err()
}

/// Applies a batch, with the same result as applying its edits one by one. Takes time linear in the text and the batch. An edit
/// for an IAM user counts once for each entry whose ARN differs only in letter case.
///
/// # Errors
/// The first edit that cannot be applied; the batch then changes nothing.
pub fn apply(document: &Document, edits: &[Edit]) -> Result<Edited, EditError> {
    let mut model = Model::new(document);
    let outcomes = edits
        .iter()
        .map(|edit| model.apply(edit))
        .collect::<Result<_, _>>()?;
    model.drop_index();
    let mut edited = document.clone();
    for section in model.changed_sections() {
        let name = section.section.name();
        edited = edited.with(name, Some(section_text::new_text(section)?));
        verify::verify(section, edited.section(name))?;
    }
    Ok(Edited {
        document: edited,
        outcomes,
    })
}
