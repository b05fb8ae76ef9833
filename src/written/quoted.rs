//! Quoted scalars: their characters as written, and how to change only some of them.

use std::ops::Range;

use super::align::{Hunk, align};
use super::lines::{is_break, line_at};
use super::spell::{fits_single, push_double};
use super::splice::Splice;
use super::tree::Style;

/// A quoted scalar as written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted<'t> {
    text: &'t str,
    /// Between the quotes.
    start: usize,
    end: usize,
    single: bool,
    /// JSON has no line breaks inside of strings; its U+2028 is a character like any other.
    folds: bool,
}

/// The bytes that one character of the decoded text is written with, or the white space around a line break.
#[derive(Clone, Debug)]
struct Unit {
    raw: Range<usize>,
    /// Bytes of decoded text that it stands for.
    length: usize,
    kind: UnitKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnitKind {
    Character,
    /// A blank as it is.
    Blank,
    /// One line break behind `\`, which says nothing.
    Wrap,
    /// Line breaks that say a blank or newlines.
    Fold,
}

impl<'t> Quoted<'t> {
    /// The scalar whose bytes, quotes included, are these.
    pub(crate) fn new(text: &'t str, span: Range<usize>, style: Style, json: bool) -> Self {
        Self {
            text,
            start: span.start + 1,
            end: span.end - 1,
            single: style == Style::Single,
            folds: !json,
        }
    }

    /// The splices after which the scalar, whose text is `old`, says `new`; what is the same in both keeps its
    /// spelling. `None` when single quotes cannot say it.
    pub(crate) fn rewrite(&self, old: &str, new: &str) -> Option<Vec<Splice>> {
        let old_lines: Vec<&str> = old.split_inclusive(is_separator).collect();
        let new_lines: Vec<&str> = new.split_inclusive(is_separator).collect();
        let (starts, folds) = self.line_starts(&old_lines);
        let hunks = if folds {
            // The white space around a fold belongs to two lines at once.
            vec![Hunk {
                old: 0..old_lines.len(),
                new: 0..new_lines.len(),
            }]
        } else {
            align(&old_lines, &new_lines)
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

    /// Where each line of the decoded text starts, and the end; and whether any line break folds.
    fn line_starts(&self, lines: &[&str]) -> (Vec<usize>, bool) {
        let mut starts = Vec::with_capacity(lines.len() + 1);
        let (mut decoded, mut boundary, mut folds) = (0, 0, false);
        for unit in self.units(self.start..self.end) {
            // A wrap belongs to the line behind it; behind the last there may be one too.
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

    /// For each line of the decoded text the line of the file it starts on, counted from the scalar's first.
    pub(crate) fn lines(&self) -> Vec<usize> {
        let mut lines = vec![0];
        let (mut line, mut fresh) = (0, false);
        for unit in self.units(self.start..self.end) {
            let raw = &self.text[unit.raw.clone()];
            match unit.kind {
                UnitKind::Fold | UnitKind::Wrap => {
                    let ends = breaks(raw);
                    if unit.kind == UnitKind::Wrap && fresh {
                        // The line that has just begun has all its text behind the wrap.
                        lines.pop();
                        lines.push(line + 1);
                    }
                    // Of several breaks, all but the first are newlines of the text.
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

    /// Its bytes piece by piece, each with the length of what it stands for.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (Range<usize>, usize)> {
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

/// Whether the unit would take in, or lose, blanks when its neighbours change.
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

/// How many line breaks a piece of the manifest holds.
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
    /// Up to here there are blanks that no line break follows.
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

/// The white space around a line break: its bytes, and those of what it stands for.
fn gap(rest: &str, escaped: bool) -> (usize, usize, UnitKind) {
    let width = rest.len()
        - rest
            .trim_start_matches(|c| matches!(c, ' ' | '\t') || is_break(c))
            .len();
    let mut decoded = String::new();
    let mut line = line_at(&rest[..width], 0);
    while line.next > line.end {
        decoded.push(super::lines::decoded_break(&rest[line.end..line.next]));
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

/// An escape sequence: its bytes, and those of what it stands for.
fn escape(rest: &str) -> (usize, usize, UnitKind) {
    let hex = |from: usize, digits: usize| {
        rest.get(from..from + digits)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .unwrap_or_default()
    };
    let length = |code| char::from_u32(code).map_or(3, char::len_utf8);
    let (width, length) = match rest.as_bytes().get(1) {
        Some(b'x') => (4, length(hex(2, 2))),
        // JSON writes a character beyond U+FFFF as two of these.
        Some(b'u') if (0xd800..0xdc00).contains(&hex(2, 4)) => (12, 4),
        Some(b'u') => (6, length(hex(2, 4))),
        Some(b'U') => (10, length(hex(2, 8))),
        Some(b'N' | b'_') => (2, 2),
        Some(b'L' | b'P') => (2, 3),
        _ => (2, 1),
    };
    (width, length, UnitKind::Character)
}
