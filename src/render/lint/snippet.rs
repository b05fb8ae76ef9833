//! A line of the text with a mark below what is in question.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::super::plain::unsafe_to_show;
use super::Shown;
use crate::lint::Severity;

/// How many characters to show on each side of what is in question: a line may be the whole text.
const AROUND: usize = 80;

/// The line on which a finding begins, and a mark below it.
pub(super) fn snippet(severity: Severity, shown: &Shown<'_>) -> String {
    let (line, mark) = near(shown);
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mark = AnnotationKind::Primary.span(mark);
    let snippet = Snippet::source(line)
        .line_start(shown.start.line)
        .annotation(mark);
    let report = &[Group::with_level(level).element(snippet)];
    Renderer::styled().render(report) + "\n"
}

/// The part of the line around what is in question, in characters that can be shown, and the bytes there.
fn near(shown: &Shown<'_>) -> (String, Range<usize>) {
    let (start, end) = (shown.range.start, shown.range.end.min(shown.line.end));
    let text = |range: Range<usize>| shown.text.get(range).unwrap_or_default();
    let before: Vec<char> = text(shown.line.start..start)
        .chars()
        .rev()
        .take(AROUND + 1)
        .collect();
    let mut line = String::new();
    if before.len() > AROUND {
        line.push('…');
    }
    line.extend(
        before
            .iter()
            .rev()
            .skip(before.len().saturating_sub(AROUND))
            .map(visible),
    );
    let from = line.len();
    line.extend(
        text(start..end.max(start))
            .chars()
            .take(2 * AROUND)
            .map(|c| visible(&c)),
    );
    let to = line.len();
    let mut after = text(end.max(start)..shown.line.end).chars();
    line.extend(after.by_ref().take(AROUND).map(|c| visible(&c)));
    if after.next().is_some() {
        line.push('…');
    }
    (line, from..to)
}

/// A character that hides itself or steers the terminal is shown as a mark.
fn visible(c: &char) -> char {
    match c {
        '\t' => *c,
        c if unsafe_to_show(*c) => char::REPLACEMENT_CHARACTER,
        c => *c,
    }
}
