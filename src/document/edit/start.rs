//! A list where there is none yet.

use super::flow;
use super::lines::{
    bom, comment_column, indent_before, line_end, next_line, usual_break, without_break,
};
use super::splice::{Splice, splice};
use super::template::{plain_block, plain_flow};
use crate::document::{Mapping, Section, Span};

/// Starts a list with dashes: in the place of `[]` or the like, or behind all there is.
pub(super) fn list(section: &Section, new: &[Mapping]) -> String {
    let text = section.text().unwrap_or_default();
    let place = odd_blank(text).or_else(|| section.placeholder());
    if let Some(brackets) = section.list()
        && text[brackets.span.range()].contains('#')
    {
        let new: Vec<_> = new.iter().map(plain_flow).collect();
        return splice(text, flow::change(text, brackets.span, &[], &new));
    }
    splice(text, vec![start(section, text, place, new)])
}

fn start(section: &Section, text: &str, place: Option<Span>, new: &[Mapping]) -> Splice {
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
        // Tabs may stand behind some values only.
        return Splice::replace(
            Span::new(start, text.len()),
            format!("{gap}{list}{line_break}"),
        );
    }
    let end = line_end(text, place.end());
    match text[place.end()..end].trim() {
        "" => Splice::replace(Span::new(start, end), format!("{gap}{list}")),
        // A comment behind the brackets gets a line of its own.
        comment => Splice::replace(
            Span::new(start, next_line(text, end)),
            format!("{gap}{comment}{line_break}{list}{line_break}"),
        ),
    }
}

/// Where the dashes go: where the brackets stood, but no less deep than comments right below, which would else belong
/// to the last entry.
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

/// All of a text that the authenticator takes for none, when it holds blanks that YAML takes for something.
fn odd_blank(text: &str) -> Option<Span> {
    let inside = text.trim();
    let is_none = matches!(inside, "" | "``" | "\"\"" | "''");
    let mut around = text.chars().filter(|char| !inside.contains(*char));
    let is_odd = around.any(|char| !matches!(char, ' ' | '\n' | '\r'));
    (is_none && is_odd).then(|| Span::new(0, text.len()))
}
