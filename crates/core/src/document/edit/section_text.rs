//! Writes a section's new text.

use goyaml::edit::block_list::{BlockItem, BlockList};
use goyaml::edit::flow_collection::{FlowItem, FlowList};
use goyaml::edit::lines::{indent_before, usual_break};
use goyaml::edit::splice::{self, Splice};

use super::EditError;
use super::change_entry::Change;
use super::entry_template::{Template, plain_block, plain_flow};
use super::new_list;
use super::section_model::{EntryChange, SectionModel};
use crate::document::{Mapping, Section};

/// Returns the section's text after the changes of the model.
pub(super) fn new_text(model: &SectionModel<'_>) -> Result<String, EditError> {
    let text = model.section.text().unwrap_or_default();
    let added = model.added();
    let Some(list) = model
        .section
        .list()
        .filter(|_| !model.section.entries().is_empty())
    else {
        return new_list::new_list(model.section, &added);
    };
    let mut splices = changes(model, text)?;
    let template = if added.is_empty() {
        None
    } else {
        Template::find(model.section)
    };
    if list.flow {
        let new: Vec<_> = added
            .iter()
            .map(|mapping| like(template.as_ref(), mapping, || plain_flow(mapping)))
            .collect();
        let items: Vec<_> = (model.section.entries().iter().zip(model.changes()))
            .map(|(entry, change)| FlowItem {
                range: entry.span.range(),
                removed: *change == EntryChange::Removed,
            })
            .collect();
        splices.extend(FlowList::new(text, list.span.range(), &items).change(&new));
    } else {
        let last = model.section.entries().last().and_then(|entry| entry.dash);
        let indent = last
            .and_then(|dash| indent_before(text, dash))
            .unwrap_or_default();
        let line_break = usual_break(text, text.len());
        let new: Vec<_> = added
            .iter()
            .map(|mapping| {
                like(template.as_ref(), mapping, || {
                    plain_block(mapping, indent, line_break)
                })
            })
            .collect();
        splices.extend(change_block_list(model, text, &new).ok_or_else(|| {
            EditError::NotEditable {
                section: model.section.name(),
                line: 1,
                reason: "an entry that begins in the middle of a line".to_owned(),
                unreadable: None,
            }
        })?);
    }
    splice::apply(text, splices).ok_or_else(|| EditError::Bug {
        section: model.section.name(),
        detail: "two changes overlap".to_owned(),
    })
}

/// Removes entries from a list with dashes and adds new ones; `None` if an entry begins in the middle of a line.
fn change_block_list(model: &SectionModel<'_>, text: &str, new: &[String]) -> Option<Vec<Splice>> {
    let entries = model.section.entries();
    let items: Vec<_> = (entries.iter().zip(model.changes()))
        .map(|(entry, change)| {
            Some(BlockItem {
                dash: entry.dash?,
                range: entry.span.range(),
                removed: *change == EntryChange::Removed,
            })
        })
        .collect::<Option<_>>()?;
    let reads_same = |text: &str, at: usize| {
        let section = Section::read(model.section.name(), Some(text.to_owned()));
        let found = section.entries().get(at);
        found.is_some_and(|found| found.written_mapping() == entries[at].written_mapping())
    };
    BlockList::new(text, &items, &reads_same).change(new)
}

fn like(template: Option<&Template>, mapping: &Mapping, plain: impl Fn() -> String) -> String {
    template
        .and_then(|template| template.render(mapping))
        .unwrap_or_else(plain)
}

fn changes(model: &SectionModel<'_>, text: &str) -> Result<Vec<Splice>, EditError> {
    let mut splices = Vec::new();
    for (slot, entry) in model.section.entries().iter().enumerate() {
        let Some(to) = &model.changed(slot) else {
            continue;
        };
        let change = Change {
            text,
            entry,
            from: entry.written_mapping(),
            to,
            renames: model.renames(slot),
            as_example: false,
        };
        splices.extend(change.splices().ok_or_else(|| EditError::Bug {
            section: model.section.name(),
            detail: format!("line {} cannot be changed", entry.line),
        })?);
    }
    Ok(splices)
}
