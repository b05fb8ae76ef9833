//! Writes the first entries of a section that has no list, or an empty one.

use goyaml::edit::flow_collection::FlowList;
use goyaml::edit::lines::{
    bom, comment_column, indent_before, line_end, next_line, usual_break, without_break,
};
use goyaml::edit::splice::{self, Splice};

use super::EditError;
use super::entry_template::{plain_block, plain_flow};
use crate::document::{Mapping, Section, Span};

/// Writes a list with dashes in place of `[]` or the like, or at the end of the document.
pub(super) fn new_list(section: &Section, new: &[Mapping]) -> Result<String, EditError> {
    let text = section.text().unwrap_or_default();
    let place = unusual_white_space(text).or_else(|| section.placeholder());
    if let Some(brackets) = section.list()
        && text[brackets.span.range()].contains('#')
    {
        let new: Vec<_> = new.iter().map(plain_flow).collect();
        let splices = FlowList::new(text, brackets.span.range(), &[]).change(&new);
        return apply(section, text, splices);
    }
    let list = block_list(section, text, place, new);
    apply(section, text, vec![list])
}

fn apply(section: &Section, text: &str, splices: Vec<Splice>) -> Result<String, EditError> {
    splice::apply(text, splices).ok_or_else(|| EditError::Bug {
        section: section.name(),
        detail: "two changes overlap".to_owned(),
    })
}

fn block_list(section: &Section, text: &str, place: Option<Span>, new: &[Mapping]) -> Splice {
    let line_break = usual_break(text, 0);
    let indent = place.map_or_else(String::new, |place| indent(text, place));
    let list: Vec<_> = new
        .iter()
        .map(|mapping| format!("{indent}{}", plain_block(mapping, &indent, line_break)))
        .collect();
    let list = list.join(line_break);
    let Some(place) = place else {
        let at = section.list_place();
        let begins_line = at == bom(text) || without_break(&text[..at]).is_some();
        let gap = if begins_line { "" } else { line_break };
        return Splice::insert(at, format!("{gap}{list}{line_break}"));
    };
    let (gap, before) = match indent_before(text, place.start()) {
        Some(indent) => ("", indent.len()),
        None => (line_break, 0),
    };
    let start = place.start() - before;
    let rest = &text[place.end()..];
    if rest.contains('\t') && rest.trim().is_empty() {
        // YAML allows tabs after some values only.
        return Splice::new(start..text.len(), format!("{gap}{list}{line_break}"));
    }
    let end = line_end(text, place.end());
    match text[place.end()..end].trim() {
        "" => Splice::new(start..end, format!("{gap}{list}")),
        // A comment after the brackets gets its own line.
        comment => Splice::new(
            start..next_line(text, end),
            format!("{gap}{comment}{line_break}{list}{line_break}"),
        ),
    }
}

/// Returns the indentation of the dashes: that of the brackets, but no less than that of comments right below, which
/// would otherwise belong to the last entry.
fn indent(text: &str, place: Span) -> String {
    let indent = indent_before(text, place.start()).unwrap_or_default();
    let mut deepest = indent.len();
    let mut line = next_line(text, place.end());
    while line < text.len()
        && let Some(column) = comment_column(text, line)
    {
        deepest = deepest.max(column);
        line = next_line(text, line);
    }
    " ".repeat(deepest)
}

/// Returns the whole text if the authenticator treats it as empty although it contains white space that YAML does not
/// ignore.
fn unusual_white_space(text: &str) -> Option<Span> {
    let inside = text.trim();
    let is_none = matches!(inside, "" | "``" | "\"\"" | "''");
    let mut around = text.chars().filter(|char| !inside.contains(*char));
    let is_unusual = around.any(|char| !matches!(char, ' ' | '\n' | '\r'));
    (is_none && is_unusual).then(|| Span::new(0, text.len()))
}
