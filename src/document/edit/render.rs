//! A section's new text.

use super::EditError;
use super::block::Block;
use super::change::Change;
use super::flow::{self, Item};
use super::lines::{bom, indent_before, line_end, next_line, usual_break};
use super::model::{Fate, SectionModel, mapping_of};
use super::splice::{Splice, splice};
use super::template::{Template, plain_block, plain_flow};
use crate::document::{Mapping, Span};

/// The text that says what the model does.
pub(super) fn section(model: &SectionModel<'_>) -> Result<String, EditError> {
    let text = model.section.text().unwrap_or_default();
    let added: Vec<&Mapping> = model.added.iter().flatten().collect();
    let Some(list) = model
        .section
        .list()
        .filter(|_| !model.section.entries().is_empty())
    else {
        return Ok(start_list(model, text, &added));
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
        let items: Vec<_> = (model.section.entries().iter().zip(&model.fates))
            .map(|(entry, fate)| Item {
                span: entry.span,
                goes: *fate == Fate::Goes,
            })
            .collect();
        splices.extend(flow::change(text, list.span, &items, &new));
        return Ok(splice(text, splices));
    }
    let block = Block {
        text,
        entries: model.section.entries(),
        fates: &model.fates,
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
    for (entry, fate) in model.section.entries().iter().zip(&model.fates) {
        let Fate::Changes(to) = fate else { continue };
        let change = Change {
            text,
            entry,
            from: mapping_of(entry),
            to,
        };
        splices.extend(change.splices().map_err(|reason| EditError::OddEntry {
            section: model.section.name(),
            line: entry.line,
            reason,
        })?);
    }
    Ok(splices)
}

/// Starts a list with dashes where there is none: in the place of `[]` or the like, or behind all there is.
fn start_list(model: &SectionModel<'_>, text: &str, added: &[&Mapping]) -> String {
    let line_break = usual_break(text, 0);
    let place = model.section.placeholder();
    let indent = place
        .and_then(|place| indent_before(text, place.start))
        .unwrap_or_default();
    let entries: Vec<_> = added
        .iter()
        .map(|mapping| plain_block(mapping, indent, line_break))
        .collect();
    let list = entries.join(&format!("{line_break}{indent}"));
    let Some(place) = place else {
        let at = model.section.list_place();
        let gap = if at == bom(text) || super::lines::without_break(&text[..at]).is_some() {
            ""
        } else {
            line_break
        };
        return splice(
            text,
            vec![Splice::insert(at, format!("{gap}{list}{line_break}"))],
        );
    };
    let on_own_line = indent_before(text, place.start).is_some();
    let gap = if on_own_line { "" } else { line_break };
    let end = line_end(text, place.end);
    if text[place.end..end].trim().is_empty() {
        return splice(
            text,
            vec![Splice::replace(
                Span::new(place.start, end),
                format!("{gap}{list}"),
            )],
        );
    }
    // A comment behind the brackets gets a line of its own.
    let comment = text[place.end..end].trim();
    let span = Span::new(place.start, next_line(text, end));
    let text_there = format!("{gap}{comment}{line_break}{indent}{list}{line_break}");
    splice(text, vec![Splice::replace(span, text_there)])
}
