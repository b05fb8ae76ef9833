//! Changes to a list with dashes.
//!
//! An entry's own comment is that on its lines, the lines right above it at the column of its dash, and those right
//! below it that are deeper. It goes with the entry. But what stands right above the first entry may be about all of
//! them. Where entries are left it goes, too, if there is another comment further up to be that; or if every other entry
//! has a comment, and then no more lines of it than the longest of those.

use super::lines::{
    break_before, comment_column, indent_before, is_blank, line_break, line_end, next_line,
    previous_line, usual_break, without_break,
};
use super::model::{Fate, mapping_of};
use super::splice::Splice;
use crate::document::{Entry, Section, SectionName};

/// A list with dashes, and what becomes of its entries.
pub(super) struct Block<'a> {
    pub(super) section: SectionName,
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
        let mut before = None;
        for at in 0..self.entries.len() {
            if self.fates[at] != Fate::Goes {
                before = Some(at);
                continue;
            }
            let lines = self.lines(at, last.is_some())?;
            splices.push(match last {
                None if at == 0 => self.replace_all(lines, new)?,
                None => Splice::delete(self.blanks_before(at, lines.start), lines.end),
                Some(last) => self.remove(at, lines, before, last > at, !new.is_empty()),
            });
        }
        if let Some(last) = last
            && !new.is_empty()
        {
            let at = self.end(last, self.indent(last)?.len());
            let rest = splices.iter().fold(at, |rest, splice| match splice.span {
                span if span.start() <= rest => span.end().max(rest),
                _ => rest,
            });
            let mut text = self.appended(last, at, new)?;
            if self.is_unended(rest) && rest > at {
                // They take the place of an entry that had no line break behind it.
                let ended = without_break(&text).map_or(text.len(), str::len);
                text.truncate(ended);
            }
            splices.push(Splice::insert(at, text));
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

    fn lines(&self, at: usize, some_stay: bool) -> Option<Lines> {
        let indent = self.indent(at)?.len();
        let mut comments = self.comments_above(at)?;
        if at == 0 {
            let own = if some_stay {
                self.own_of_the_first(&comments)
            } else {
                0
            };
            comments.truncate(own);
        }
        let first_line = self.entries[at].dash? - indent;
        Some(Lines {
            start: comments.last().copied().unwrap_or(first_line),
            end: self.end(at, indent),
        })
    }

    /// The comments on the lines right above an entry, at the column of its dash, the lowest first.
    fn comments_above(&self, at: usize) -> Option<Vec<usize>> {
        let indent = self.indent(at)?.len();
        let floor = match at {
            0 => 0,
            _ => self.entries[at - 1].span.end(),
        };
        let mut line = self.entries[at].dash? - indent;
        let mut comments = Vec::new();
        while let Some(above) = previous_line(self.text, line)
            && above >= floor
            && above < line
            && comment_column(self.text, above) == Some(indent)
        {
            comments.push(above);
            line = above;
        }
        Some(comments)
    }

    /// How many of the comments right above the first entry are its own.
    fn own_of_the_first(&self, comments: &[usize]) -> usize {
        let Some(top) = comments.last() else {
            return 0;
        };
        if self.has_comment_above(*top) {
            return comments.len();
        }
        let others = (1..self.entries.len())
            .map(|at| self.comments_above(at).map_or(0, |found| found.len()));
        let lengths: Vec<_> = others.collect();
        if lengths.contains(&0) {
            return 0;
        }
        lengths.into_iter().max().unwrap_or_default()
    }

    /// Whether any of the lines above the line at `line` is a comment.
    fn has_comment_above(&self, mut line: usize) -> bool {
        while let Some(before) = previous_line(self.text, line).filter(|before| *before < line) {
            if comment_column(self.text, before).is_some() {
                return true;
            }
            line = before;
        }
        false
    }

    /// Behind the entry and the comments right below that are indented as its inside is.
    fn end(&self, at: usize, indent: usize) -> usize {
        let mut end = next_line(self.text, self.last_character(at));
        let mut blanks = end;
        while blanks < self.text.len() && is_blank(self.text, blanks) {
            blanks = next_line(self.text, blanks);
        }
        // Blank lines may be a part of a block scalar; and tabs may stand behind some scalars only.
        if blanks > end && (self.may_be_block_scalar(at) || self.text[end..blanks].contains('\t')) {
            end = blanks;
        }
        while end < self.text.len()
            && comment_column(self.text, end).is_some_and(|column| column > indent)
        {
            end = next_line(self.text, end);
        }
        end
    }

    /// The end of the last thing written in the entry. A missing value may stand further down, but not there.
    fn last_character(&self, at: usize) -> usize {
        let entry = &self.entries[at];
        let start = entry.dash.unwrap_or(entry.span.start());
        let written = &self.text[start..entry.span.end().max(start)];
        start + written.trim_end().len()
    }

    /// Whether the entry may end in a block scalar.
    fn may_be_block_scalar(&self, at: usize) -> bool {
        self.text[self.entries[at].span.range()].contains(['|', '>'])
    }

    /// Whether blank lines behind the entry could become a part of it.
    fn may_take_lines(&self, at: usize) -> bool {
        let end = self.end(at, self.indent(at).map_or(0, str::len));
        let behind = &self.text[self.last_character(at)..end];
        self.may_be_block_scalar(at) && behind.trim().is_empty()
    }

    /// Removes an entry behind `before`, the last that stays.
    fn remove(
        &self,
        at: usize,
        lines: Lines,
        before: Option<usize>,
        stays_after: bool,
        some_follow: bool,
    ) -> Splice {
        let Lines { mut start, mut end } = lines;
        let blank_follows = end < self.text.len() && is_blank(self.text, end);
        let may_take_lines = before.is_some_and(|before| self.may_take_lines(before));
        if before.is_none() || may_take_lines {
            // What separated it from the next entry goes with it.
            while end < self.text.len() && is_blank(self.text, end) {
                end = next_line(self.text, end);
            }
        } else if !stays_after || blank_follows {
            start = self.blanks_before(at, start);
        }
        if self.is_unended(end)
            && !some_follow
            && let Some(before) = before
            && let Some(unended) = without_break(&self.text[..start])
            && (!may_take_lines || self.means_same_in(unended, before))
        {
            start = unended.len();
        }
        Splice::delete(start, end)
    }

    /// Whether an entry means the same where the text is but this.
    fn means_same_in(&self, text: &str, entry: usize) -> bool {
        let section = Section::read(self.section, Some(text.to_owned()));
        let found = section.entries().get(entry).map(mapping_of);
        found == Some(mapping_of(&self.entries[entry]))
    }

    /// Whether the text ends here, and without a line break.
    fn is_unended(&self, end: usize) -> bool {
        end == self.text.len() && without_break(self.text).is_none()
    }

    /// The first of the blank lines right above the line at `line`, which is one of those of an entry.
    fn blanks_before(&self, entry: usize, mut line: usize) -> usize {
        let floor = entry.checked_sub(1).map_or(0, |before| {
            self.end(before, self.indent(before).map_or(0, str::len))
        });
        while let Some(before) = previous_line(self.text, line)
            && before < line
            && is_blank(self.text, before)
            && before > 0
            && before >= floor
        {
            line = before;
        }
        line
    }

    /// The new entries as text behind the lines of the last entry that stays.
    fn appended(&self, last: usize, at: usize, new: &[String]) -> Option<String> {
        let indent = self.indent(last)?;
        let line_break = break_before(self.text, at);
        let gap = if self.is_spaced() { line_break } else { "" };
        let is_ended = without_break(&self.text[..at]).is_some();
        let entries = new.iter().map(|entry| {
            if is_ended {
                format!("{gap}{indent}{entry}{line_break}")
            } else {
                format!("{line_break}{gap}{indent}{entry}")
            }
        });
        Some(entries.collect())
    }

    /// Whether a blank line stands between the last two entries.
    fn is_spaced(&self) -> bool {
        let [.., _, last] = self.entries else {
            return false;
        };
        let Some(dash) = last.dash else { return false };
        if self.text[last.span.range()].contains(['|', '>', '?']) {
            // A blank line behind it could become a part of it.
            return false;
        }
        let end = line_end(self.text, self.last_character(self.entries.len() - 2));
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
