//! A line of the text, with a mark below the finding.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::super::escape::unsafe_to_show;
use super::display_range::DisplayRange;
use awsauth_core::lint::Severity;

/// How many characters to show on each side of the finding: a line may be as long as the whole text.
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
    let before: Vec<char> = text(range.line.start..start)
        .chars()
        .rev()
        .take(CONTEXT + 1)
        .collect();
    let mut line = String::new();
    if before.len() > CONTEXT {
        line.push('…');
    }
    line.extend(
        before
            .iter()
            .rev()
            .skip(before.len().saturating_sub(CONTEXT))
            .map(visible),
    );
    let from = line.len();
    line.extend(
        text(start..end.max(start))
            .chars()
            .take(2 * CONTEXT)
            .map(|c| visible(&c)),
    );
    let to = line.len();
    let mut after = text(end.max(start)..range.line.end).chars();
    line.extend(after.by_ref().take(CONTEXT).map(|c| visible(&c)));
    if after.next().is_some() {
        line.push('…');
    }
    (line, from..to)
}

/// Replaces characters that are invisible or control the terminal.
fn visible(c: &char) -> char {
    match c {
        '\t' => *c,
        c if unsafe_to_show(*c) => char::REPLACEMENT_CHARACTER,
        c => *c,
    }
}
