//! Changes to a list with dashes.

use super::lines::{
    comment_column, indent_before, is_blank, line_break, line_end, next_line, previous_line,
    usual_break, without_break,
};
use super::model::Fate;
use super::splice::Splice;
use crate::document::Entry;

/// A list with dashes, and what becomes of its entries.
pub(super) struct Block<'a> {
    pub(super) text: &'a str,
    pub(super) entries: &'a [Entry],
    pub(super) fates: &'a [Fate],
}

/// The lines of one entry.
#[derive(Clone, Copy)]
struct Lines {
    /// The first line of its own comment, or its first line.
    start: usize,
    end: usize,
}

impl Block<'_> {
    /// Removes the entries that go, and puts new ones, given from their dash on, behind the last that stays.
    pub(super) fn change(&self, new: &[String]) -> Option<Vec<Splice>> {
        let last = self.fates.iter().rposition(|fate| *fate != Fate::Goes);
        let mut splices = Vec::new();
        let mut stays_before = false;
        for at in 0..self.entries.len() {
            if self.fates[at] != Fate::Goes {
                stays_before = true;
                continue;
            }
            let lines = self.lines(at)?;
            splices.push(match last {
                None if at == 0 => self.replace_all(lines, new)?,
                None => Splice::delete(self.blanks_before(lines.start), lines.end),
                Some(last) => self.remove(lines, stays_before, last > at),
            });
        }
        if let Some(last) = last
            && !new.is_empty()
        {
            splices.push(self.append(last, new)?);
        }
        Some(splices)
    }

    /// Puts the new entries, or an empty list, in the place of the first one.
    fn replace_all(&self, lines: Lines, new: &[String]) -> Option<Splice> {
        let indent = self.indent(0)?;
        let line_break = usual_break(self.text, lines.end);
        let list = if new.is_empty() {
            "[]".to_owned()
        } else {
            new.join(&format!("{line_break}{indent}"))
        };
        let is_ended = without_break(&self.text[..lines.end]).is_some();
        let end = if is_ended { line_break } else { "" };
        Some(Splice {
            span: crate::document::Span::new(lines.start, lines.end),
            text: format!("{indent}{list}{end}"),
        })
    }

    fn indent(&self, at: usize) -> Option<&str> {
        indent_before(self.text, self.entries[at].dash?)
    }

    fn lines(&self, at: usize) -> Option<Lines> {
        let entry = &self.entries[at];
        let indent = self.indent(at)?.len();
        let floor = at
            .checked_sub(1)
            .map_or(0, |before| self.entries[before].span.end);
        let mut start = entry.dash? - indent;
        while let Some(line) = previous_line(self.text, start)
            && line >= floor
            && comment_column(self.text, line) == Some(indent)
        {
            start = line;
        }
        Some(Lines {
            start,
            end: self.end(at, indent),
        })
    }

    /// Behind the entry and the comments right below that are indented as its inside is.
    fn end(&self, at: usize, indent: usize) -> usize {
        let mut end = next_line(
            self.text,
            self.entries[at]
                .span
                .end
                .max(self.entries[at].dash.unwrap_or(0)),
        );
        while end < self.text.len()
            && comment_column(self.text, end).is_some_and(|column| column > indent)
        {
            end = next_line(self.text, end);
        }
        end
    }

    fn remove(&self, lines: Lines, stays_before: bool, stays_after: bool) -> Splice {
        let Lines { mut start, mut end } = lines;
        if !stays_before {
            // What separated it from the next entry goes with it.
            while end < self.text.len() && is_blank(self.text, end) {
                end = next_line(self.text, end);
            }
        } else if !stays_after || end < self.text.len() && is_blank(self.text, end) {
            start = self.blanks_before(start);
        }
        let is_unended = end == self.text.len() && without_break(&self.text[..end]).is_none();
        if is_unended && stays_before {
            start = without_break(&self.text[..start]).map_or(start, str::len);
        }
        Splice::delete(start, end)
    }

    /// The first of the blank lines right above the line at `line`.
    fn blanks_before(&self, mut line: usize) -> usize {
        while let Some(before) = previous_line(self.text, line)
            && before < line
            && is_blank(self.text, before)
            && before > 0
        {
            line = before;
        }
        line
    }

    fn append(&self, last: usize, new: &[String]) -> Option<Splice> {
        let indent = self.indent(last)?;
        let at = self.end(last, indent.len());
        let line_break = usual_break(self.text, at);
        let gap = if self.is_spaced() { line_break } else { "" };
        let is_ended = without_break(&self.text[..at]).is_some();
        let entries = new.iter().map(|entry| {
            if is_ended {
                format!("{gap}{indent}{entry}{line_break}")
            } else {
                format!("{line_break}{gap}{indent}{entry}")
            }
        });
        Some(Splice::insert(at, entries.collect::<String>()))
    }

    /// Whether a blank line stands between the last two entries.
    fn is_spaced(&self) -> bool {
        let [.., before, last] = self.entries else {
            return false;
        };
        let Some(dash) = last.dash else { return false };
        let end = line_end(self.text, before.span.end);
        let mut line = end + line_break(self.text, end).len();
        while line < dash {
            if is_blank(self.text, line) {
                return true;
            }
            let next = next_line(self.text, line);
            if next == line {
                return false;
            }
            line = next;
        }
        false
    }
}
