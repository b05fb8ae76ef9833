//! A line of the input, with a mark below the finding.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::display_range::DisplayRange;
use awsauth_core::escape;
use awsauth_core::lint::Severity;

/// The number of characters to show on each side of the finding: a line may be as long as the whole input.
const CONTEXT: usize = 80;

/// Returns the line where a finding begins, with a mark below the finding.
pub(super) fn snippet(severity: Severity, range: &DisplayRange<'_>) -> String {
    let (line, mark) = visible_part(range);
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mark = AnnotationKind::Primary.span(mark);
    let snippet = Snippet::source(line)
        .line_start(range.start.line)
        .annotation(mark);
    let report = &[Group::with_level(level).element(snippet)];
    Renderer::styled().render(report) + "\n"
}

/// Returns the part of the line around the finding, in visible characters, and the bytes of the finding in it.
fn visible_part(range: &DisplayRange<'_>) -> (String, Range<usize>) {
    let (start, end) = (range.range.start, range.range.end.min(range.line.end));
    let text = |bytes: Range<usize>| range.text.get(bytes).unwrap_or_default();
    let before = text(range.line.start..start);
    let (found, after) = (
        text(start..end.max(start)),
        text(end.max(start)..range.line.end),
    );
    let before = match before.char_indices().nth_back(CONTEXT) {
        Some((cut, c)) => format!("…{}", visible(&before[cut + c.len_utf8()..])),
        None => visible(before),
    };
    let found = visible(first(2 * CONTEXT, found));
    let shown = first(CONTEXT, after);
    let more = if shown.len() < after.len() { "…" } else { "" };
    let mark = before.len()..before.len() + found.len();
    (format!("{before}{found}{}{more}", visible(shown)), mark)
}

/// Returns the first characters of a string.
fn first(count: usize, text: &str) -> &str {
    let end = text.char_indices().nth(count);
    &text[..end.map_or(text.len(), |(end, _)| end)]
}

/// Escapes the text, except for tabs, which the renderer replaces with spaces.
fn visible(text: &str) -> String {
    let parts: Vec<_> = text.split('\t').map(escape::one_line).collect();
    parts.join("\t")
}
