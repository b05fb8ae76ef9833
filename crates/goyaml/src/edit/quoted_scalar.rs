//! Quoted scalars: their characters as written, and changes to some of them.

use std::ops::Range;

use super::line_diff::{Hunk, line_diff};
use super::lines::{decoded_break, is_break, line_at};
use super::scalar_style::{fits_single, push_double};
use super::span_tree::Style;
use super::splice::Splice;

/// A quoted scalar as written.
#[derive(Clone, Copy, Debug)]
pub struct QuotedScalar<'t> {
    text: &'t str,
    /// The start of the text between the quotes.
    start: usize,
    end: usize,
    single: bool,
    /// Whether line breaks fold. JSON has none in strings, and U+2028 is an ordinary character there.
    folds: bool,
}

/// The bytes of one character of the decoded text, or the white space around a line break.
#[derive(Clone, Debug)]
struct Unit {
    raw: Range<usize>,
    /// The number of bytes of decoded text.
    length: usize,
    kind: UnitKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnitKind {
    Character,
    /// White space that is part of the text.
    Blank,
    /// A single line break after `\`, which is not part of the text.
    Wrap,
    /// Line breaks that decode to a space or newlines.
    Fold,
}

impl<'t> QuotedScalar<'t> {
    /// Reads the scalar with these bytes, quotes included.
    pub fn new(text: &'t str, span: Range<usize>, style: Style, json: bool) -> Self {
        Self {
            text,
            start: span.start + 1,
            end: span.end - 1,
            single: style == Style::Single,
            folds: !json,
        }
    }

    /// Returns the splices that change the text from `old` to `new`. What is in both stays as written. Returns `None` if
    /// single quotes cannot represent the new text.
    pub fn rewrite(&self, old: &str, new: &str) -> Option<Vec<Splice>> {
        let old_lines: Vec<&str> = old.split_inclusive(is_separator).collect();
        let new_lines: Vec<&str> = new.split_inclusive(is_separator).collect();
        let (starts, folds) = self.line_starts(&old_lines);
        let hunks = if folds {
            // The white space around a fold belongs to two lines.
            vec![Hunk {
                old: 0..old_lines.len(),
                new: 0..new_lines.len(),
            }]
        } else {
            line_diff(&old_lines, &new_lines)
        };
        hunks
            .into_iter()
            .map(|hunk| {
                let raw = starts[hunk.old.start]..starts[hunk.old.end];
                self.rewrite_part(
                    raw,
                    &old_lines[hunk.old].concat(),
                    &new_lines[hunk.new].concat(),
                    folds,
                )
            })
            .collect()
    }

    /// Returns the start of each line of the decoded text, and the end; and whether any line break folds.
    fn line_starts(&self, lines: &[&str]) -> (Vec<usize>, bool) {
        let mut starts = Vec::with_capacity(lines.len() + 1);
        let (mut decoded, mut boundary, mut folds) = (0, 0, false);
        for unit in self.units(self.start..self.end) {
            // A wrap belongs to the line after it. There may be one after the last line.
            while decoded >= boundary && starts.len() <= lines.len() {
                let line = lines.get(starts.len()).map_or(0, |line| line.len());
                starts.push(unit.raw.start);
                boundary += line;
            }
            decoded += unit.length;
            folds |= unit.kind == UnitKind::Fold;
        }
        starts.resize(lines.len() + 1, self.end);
        if let Some(first) = starts.first_mut() {
            *first = self.start;
        }
        (starts, folds)
    }

    /// Returns the line of the file on which each line of the decoded text starts, counted from the scalar's first line.
    pub fn lines(&self) -> Vec<usize> {
        let mut lines = vec![0];
        let (mut line, mut fresh) = (0, false);
        for unit in self.units(self.start..self.end) {
            let raw = &self.text[unit.raw.clone()];
            match unit.kind {
                UnitKind::Fold | UnitKind::Wrap => {
                    let ends = breaks(raw);
                    if unit.kind == UnitKind::Wrap && fresh {
                        // All text of the line that has just begun is after the wrap.
                        lines.pop();
                        lines.push(line + 1);
                    }
                    // Of several line breaks, all but the first are newlines of the text.
                    lines.extend(line + 2..=line + ends);
                    line += ends;
                    fresh = false;
                }
                UnitKind::Character | UnitKind::Blank => {
                    fresh = is_newline_escape(raw);
                    if fresh {
                        lines.push(line);
                    }
                }
            }
        }
        lines
    }

    /// Returns its bytes piece by piece, each with the length of the decoded text.
    pub fn steps(&self) -> impl Iterator<Item = (Range<usize>, usize)> {
        self.units(self.start..self.end)
            .map(|unit| (unit.raw, unit.length))
    }

    fn rewrite_part(&self, raw: Range<usize>, old: &str, new: &str, folds: bool) -> Option<Splice> {
        let units: Vec<Unit> = self.units(raw.clone()).collect();
        let mut head = 0;
        let mut head_length = 0;
        for unit in &units {
            let next = head_length + unit.length;
            if old.get(head_length..next) != new.get(head_length..next)
                || new.get(head_length..next).is_none()
            {
                break;
            }
            (head, head_length) = (head + 1, next);
        }
        while head > 0 && is_stretchy(&units, head - 1, folds) {
            head -= 1;
            head_length -= units[head].length;
        }
        let mut tail = units.len();
        let mut tail_length = 0;
        while tail > head {
            let next = tail_length + units[tail - 1].length;
            let part = |text: &str| {
                text.len()
                    .checked_sub(next)
                    .filter(|&from| from >= head_length)
            };
            let (Some(from_old), Some(from_new)) = (part(old), part(new)) else {
                break;
            };
            let (a, b) = (
                old.get(from_old..old.len() - tail_length),
                new.get(from_new..new.len() - tail_length),
            );
            if a.is_none() || a != b {
                break;
            }
            (tail, tail_length) = (tail - 1, next);
        }
        while folds && tail < units.len() && is_stretchy(&units, tail, folds) {
            tail_length -= units[tail].length;
            tail += 1;
        }
        let middle = new.get(head_length..new.len() - tail_length)?;
        let from = units.get(head).map_or(raw.end, |unit| unit.raw.start);
        let to = units
            .get(tail)
            .map_or(raw.end, |unit| unit.raw.start)
            .max(from);
        let mut text = String::new();
        if self.single {
            if !fits_single(middle) {
                return None;
            }
            text = middle.replace('\'', "''");
        } else {
            push_double(&mut text, middle);
        }
        Some(Splice::new(from..to, text))
    }

    fn units(&self, range: Range<usize>) -> Units<'t> {
        Units {
            text: self.text,
            at: range.start,
            end: range.end,
            single: self.single,
            folds: self.folds,
            blanks_until: 0,
        }
    }
}

/// Returns whether the unit would gain or lose white space if its neighbors changed.
fn is_stretchy(units: &[Unit], at: usize, folds: bool) -> bool {
    match units[at].kind {
        UnitKind::Wrap | UnitKind::Fold => true,
        UnitKind::Blank => folds,
        UnitKind::Character => false,
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, '\n' | '\u{2028}' | '\u{2029}')
}

fn is_newline_escape(raw: &str) -> bool {
    // `\\N` is another character.
    raw != "\\N"
        && matches!(
            raw.to_ascii_lowercase().as_str(),
            "\\n" | "\\x0a" | "\\u000a" | "\\u0000000a"
        )
}

/// Counts the line breaks in a piece of the file.
fn breaks(raw: &str) -> usize {
    let (mut count, mut line) = (0, line_at(raw, 0));
    while line.next > line.end {
        count += 1;
        line = line_at(raw, line.next);
    }
    count
}

struct Units<'t> {
    text: &'t str,
    at: usize,
    end: usize,
    single: bool,
    folds: bool,
    /// Up to here there is white space that is not before a line break.
    blanks_until: usize,
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let start = self.at;
        let rest = &self.text[start..self.end];
        let first = rest.chars().next()?;
        let (width, length, kind) = match first {
            ' ' | '\t' if start < self.blanks_until => (1, 1, UnitKind::Blank),
            ' ' | '\t' => {
                let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
                if self.folds && rest[blanks..].starts_with(is_break) {
                    gap(rest, false)
                } else {
                    self.blanks_until = start + blanks;
                    (1, 1, UnitKind::Blank)
                }
            }
            c if self.folds && is_break(c) => gap(rest, false),
            '\'' if self.single => (2, 1, UnitKind::Character),
            '\\' if !self.single && rest[1..].starts_with(is_break) => gap(&rest[1..], true),
            '\\' if !self.single => escape(rest),
            c => (c.len_utf8(), c.len_utf8(), UnitKind::Character),
        };
        self.at = (start + width).min(self.end);
        Some(Unit {
            raw: start..self.at,
            length,
            kind,
        })
    }
}

/// Measures the white space around a line break: its bytes, and the bytes of the decoded text.
fn gap(rest: &str, escaped: bool) -> (usize, usize, UnitKind) {
    let width = rest.len()
        - rest
            .trim_start_matches(|c| matches!(c, ' ' | '\t') || is_break(c))
            .len();
    let mut decoded = String::new();
    let mut line = line_at(&rest[..width], 0);
    while line.next > line.end {
        decoded.push(decoded_break(&rest[line.end..line.next]));
        line = line_at(&rest[..width], line.next);
    }
    let first = decoded.chars().next().map_or(0, char::len_utf8);
    if escaped {
        let kind = if decoded.len() > first {
            UnitKind::Fold
        } else {
            UnitKind::Wrap
        };
        return (width + 1, decoded.len() - first, kind);
    }
    let length = match decoded.as_str() {
        "\n" => 1,
        folded if folded.starts_with('\n') => folded.len() - 1,
        kept => kept.len(),
    };
    (width, length, UnitKind::Fold)
}

/// Measures an escape sequence: its bytes, and the bytes of the decoded text.
fn escape(rest: &str) -> (usize, usize, UnitKind) {
    let hex = |from: usize, digits: usize| {
        rest.get(from..from + digits)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .unwrap_or_default()
    };
    let length = |code| char::from_u32(code).map_or(3, char::len_utf8);
    let (width, length) = match rest.as_bytes().get(1) {
        Some(b'x') => (4, length(hex(2, 2))),
        // JSON writes a character above U+FFFF as two of these.
        Some(b'u') if (0xd800..0xdc00).contains(&hex(2, 4)) => (12, 4),
        Some(b'u') => (6, length(hex(2, 4))),
        Some(b'U') => (10, length(hex(2, 8))),
        Some(b'N' | b'_') => (2, 2),
        Some(b'L' | b'P') => (2, 3),
        _ => (2, 1),
    };
    (width, length, UnitKind::Character)
}
