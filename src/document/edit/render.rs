//! A section's new text.

use super::EditError;
use super::block::Block;
use super::change::Change;
use super::flow::{self, Item};
use super::lines::{indent_before, usual_break};
use super::model::{Fate, SectionModel, mapping_of};
use super::splice::{Splice, splice};
use super::start;
use super::template::{Template, plain_block, plain_flow};
use crate::document::Mapping;

/// The text that says what the model does.
pub(super) fn section(model: &SectionModel<'_>) -> Result<String, EditError> {
    let text = model.section.text().unwrap_or_default();
    let added = model.added();
    let Some(list) = model
        .section
        .list()
        .filter(|_| !model.section.entries().is_empty())
    else {
        return Ok(start::list(model.section, &added));
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
        let items: Vec<_> = (model.section.entries().iter().zip(model.fates()))
            .map(|(entry, fate)| Item {
                span: entry.span,
                goes: *fate == Fate::Goes,
            })
            .collect();
        splices.extend(flow::change(text, list.span, &items, &new));
        return Ok(splice(text, splices));
    }
    let block = Block {
        section: model.section.name(),
        text,
        entries: model.section.entries(),
        fates: model.fates(),
    };
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
    let list_splices = block.change(&new).ok_or_else(|| EditError::NotEditable {
        section: model.section.name(),
        line: 1,
        reason: "an entry that begins in the middle of a line".to_owned(),
        unreadable: None,
    })?;
    splices.extend(list_splices);
    Ok(splice(text, splices))
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
            from: mapping_of(entry),
            to,
            afresh: false,
        };
        splices.extend(change.splices().ok_or_else(|| EditError::Bug {
            section: model.section.name(),
            detail: format!("line {} can't be changed", entry.line),
        })?);
    }
    Ok(splices)
}
