//! Changes of indentation that may correct a text.

use std::sync::Arc;

use crate::document::{ENTRY_FIELDS, Entry, Section, SectionName};

/// Moves consecutive lines to the left or right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    /// The number of the first line, from 0.
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// The number of spaces to add; to remove, if it is negative.
    by: isize,
}

/// How many lines before the line of an error may cause it.
const BEFORE: usize = 8;

/// How many lines after the line of an error have an indentation that others may need.
const AFTER: usize = 8;

/// How far the first line of a text may be moved to an indentation that no other line has.
const OFFSETS: [isize; 9] = [-1, -2, -3, -4, -6, 1, 2, 3, 4];

impl Move {
    /// Returns an instruction for the user.
    pub(crate) fn help(self) -> String {
        let spaces = self.by.unsigned_abs();
        let s = if spaces == 1 { "" } else { "s" };
        let verb = if self.by > 0 { "add" } else { "remove" };
        let lines = match self.count {
            1 => "this line".to_owned(),
            2 => "this line and the next one".to_owned(),
            count => format!("this line and the next {}", count - 1),
        };
        format!("{verb} {spaces} space{s} before {lines}")
    }

    /// Returns the changed text. If a line would begin before the first column, all other lines are moved to the right instead, which
    /// means the same in a block scalar.
    pub(crate) fn apply(self, lines: &[&str]) -> String {
        let is_moved = |number: usize| (self.first..self.first + self.count).contains(&number);
        let moved = || lines.iter().skip(self.first).take(self.count);
        let least = moved()
            .filter(|line| !is_blank(line))
            .map(|line| indent(line).cast_signed() + self.by)
            .min();
        let missing = least.unwrap_or_default().min(0);
        let mut text = String::new();
        for (number, line) in lines.iter().enumerate() {
            if is_blank(line) {
                text += line;
                continue;
            }
            let by = if is_moved(number) { self.by } else { 0 };
            let spaces = indent(line).cast_signed() + by - missing;
            text.extend(std::iter::repeat_n(' ', spaces.unsigned_abs()));
            text += line.trim_start_matches(' ');
        }
        text
    }
}

/// Returns moves of lines near an error at this line, from 1, the most likely ones first: to the indentation of another line, and
/// the fewest lines first. `starts` are the first lines of texts, from 0, which may be indented too deep. A text without the
/// indentation of its first line `is_relative`.
pub(crate) fn moves(lines: &[&str], line: usize, starts: &[usize], is_relative: bool) -> Vec<Move> {
    let is_text = |number: &usize| {
        let content = lines[*number].trim_start_matches(' ');
        !content.trim().is_empty() && !content.starts_with('#')
    };
    let line = line.min(lines.len());
    let range = line.saturating_sub(BEFORE + 1)..(line + AFTER).min(lines.len());
    let near: Vec<usize> = range.filter(is_text).collect();
    let mut targets: Vec<isize> = near
        .iter()
        .chain(starts)
        .map(|number| indent(lines[*number]).cast_signed())
        .collect();
    targets.sort_unstable();
    targets.dedup();
    let mut from: Vec<usize> = near.into_iter().filter(|number| *number < line).collect();
    from.reverse();
    from.extend(starts.iter().filter(|number| **number < line));
    let mut seen = Vec::new();
    from.retain(|number| {
        let is_new = !seen.contains(number);
        seen.push(*number);
        is_new
    });
    let mut moves: Vec<Move> = Vec::new();
    for number in from {
        let own = indent(lines[number]);
        let deeper = lines[number + 1..]
            .iter()
            .take_while(|line| is_blank(line) || indent(line) > own)
            .count();
        let not_less = lines[number + 1..]
            .iter()
            .take_while(|line| is_blank(line) || indent(line) >= own)
            .count();
        let of_entry = lines[number + 1..]
            .iter()
            .take_while(|line| !begins_entry(line))
            .count()
            .min(not_less);
        let mut counts = vec![1, 1 + of_entry, 1 + deeper, 1 + not_less];
        counts.sort_unstable();
        counts.dedup();
        let beyond = OFFSETS
            .into_iter()
            .filter(|_| starts.contains(&number))
            .map(|by| own.cast_signed() + by)
            .filter(|to| is_relative || *to >= 0);
        for to in targets.iter().copied().chain(beyond) {
            let by = to - own.cast_signed();
            moves.extend(counts.iter().filter(|_| by != 0).map(|&count| Move {
                first: number,
                count,
                by,
            }));
        }
    }
    moves.sort_by_key(|candidate| candidate.count);
    moves
}

/// Returns whether a section has only entries that the authenticator keeps, without repeated or unknown fields.
pub(crate) fn is_correct(name: SectionName, text: impl Into<Arc<str>>) -> bool {
    let section = Section::read(name, Some(text));
    let is_complete = |entry: &Entry| {
        let fields = &entry.fields;
        entry.mapping().is_some_and(|mapping| {
            let mut texts = mapping.groups().iter().chain([&mapping.username]);
            !texts.any(|text| text.contains(" - "))
        }) && !fields.is_repeated
            && !fields.is_mistyped
            && !fields.has_unknown
    };
    section.editable().is_ok() && section.entries().iter().all(is_complete)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Returns whether a line is the first one of an entry.
fn begins_entry(line: &str) -> bool {
    let item = line.trim_start().strip_prefix("- ").unwrap_or_default();
    ENTRY_FIELDS.iter().any(|field| item.starts_with(field))
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}
