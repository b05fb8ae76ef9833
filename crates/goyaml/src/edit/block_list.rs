//! Changes to a sequence whose items begin with dashes.
//!
//! An item's own comments are those on its lines, those right above it in the column of its dash, and those right below
//! it that are deeper. They are removed with the item. Comments right above the first item may be about the whole
//! list. If items are left, they are removed with the first item in two cases only: if there is another comment
//! further up that can be about the list; or if every other item has comments above it, and then at most as many lines
//! as the longest of those.

use std::ops::Range;

use super::lines::{
    break_before, comment_column, indent_before, is_blank, line_break, line_end, next_line,
    previous_line, usual_break, without_break,
};
use super::splice::Splice;

/// An item of a list with dashes.
#[derive(Clone, Debug)]
pub struct BlockItem {
    /// The offset of its dash.
    pub dash: usize,
    /// The bytes of its value.
    pub range: Range<usize>,
    /// Whether the change removes it.
    pub removed: bool,
}

/// A list with dashes, and which of its items a change removes.
pub struct BlockList<'a> {
    text: &'a str,
    items: &'a [BlockItem],
    /// Whether an item has the same value in another document.
    reads_same: &'a dyn Fn(&str, usize) -> bool,
}

/// The lines of one item.
#[derive(Clone, Copy)]
struct Lines {
    /// The first line of its own comments, or its first line.
    start: usize,
    end: usize,
}

impl<'a> BlockList<'a> {
    /// Creates a list. `reads_same` returns whether the item with this number has the same value in another document.
    pub fn new(
        text: &'a str,
        items: &'a [BlockItem],
        reads_same: &'a dyn Fn(&str, usize) -> bool,
    ) -> Self {
        Self {
            text,
            items,
            reads_same,
        }
    }

    /// Removes the marked items, and adds new ones after the last one that stays. A new item is given from its dash on,
    /// without the line break at its end. Returns `None` if an item begins in the middle of a line.
    pub fn change(&self, new: &[String]) -> Option<Vec<Splice>> {
        let last = self.items.iter().rposition(|item| !item.removed);
        let mut splices = Vec::new();
        let mut before = None;
        for at in 0..self.items.len() {
            if !self.items[at].removed {
                before = Some(at);
                continue;
            }
            let lines = self.lines(at, last.is_some())?;
            splices.push(match last {
                None if at == 0 => self.replace_all(lines, new)?,
                None => Splice::delete(self.blanks_before(at, lines.start)..lines.end),
                Some(last) => self.remove(at, lines, before, last > at, !new.is_empty()),
            });
        }
        if let Some(last) = last
            && !new.is_empty()
        {
            let at = self.end(last, self.indent(last)?.len());
            let rest = splices.iter().fold(at, |rest, splice| {
                if splice.range.start <= rest {
                    splice.range.end.max(rest)
                } else {
                    rest
                }
            });
            let mut text = self.appended(last, at, new)?;
            if self.is_unended(rest) && rest > at {
                // They replace an item without a line break at its end.
                let ended = without_break(&text).map_or(text.len(), str::len);
                text.truncate(ended);
            }
            splices.push(Splice::insert(at, text));
        }
        Some(splices)
    }

    /// Replaces the first item with the new ones, or with an empty list.
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
        Some(Splice::new(
            lines.start..lines.end,
            format!("{indent}{list}{end}"),
        ))
    }

    fn indent(&self, at: usize) -> Option<&str> {
        indent_before(self.text, self.items[at].dash)
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
        let first_line = self.items[at].dash - indent;
        Some(Lines {
            start: comments.last().copied().unwrap_or(first_line),
            end: self.end(at, indent),
        })
    }

    /// Returns the comment lines right above an item in the column of its dash, from the bottom up.
    fn comments_above(&self, at: usize) -> Option<Vec<usize>> {
        let indent = self.indent(at)?.len();
        let floor = match at {
            0 => 0,
            _ => self.items[at - 1].range.end,
        };
        let mut line = self.items[at].dash - indent;
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

    /// Counts the comment lines right above the first item that are its own.
    fn own_of_the_first(&self, comments: &[usize]) -> usize {
        let Some(top) = comments.last() else {
            return 0;
        };
        if self.has_comment_above(*top) {
            return comments.len();
        }
        let others =
            (1..self.items.len()).map(|at| self.comments_above(at).map_or(0, |found| found.len()));
        let lengths: Vec<_> = others.collect();
        if lengths.contains(&0) {
            return 0;
        }
        lengths.into_iter().max().unwrap_or_default()
    }

    /// Returns whether any line above the one at `line` is a comment.
    fn has_comment_above(&self, mut line: usize) -> bool {
        while let Some(before) = previous_line(self.text, line).filter(|before| *before < line) {
            if comment_column(self.text, before).is_some() {
                return true;
            }
            line = before;
        }
        false
    }

    /// Returns the end of the item and of the comments right below it that are indented like its content.
    fn end(&self, at: usize, indent: usize) -> usize {
        let mut end = next_line(self.text, self.last_character(at));
        let mut blanks = end;
        while blanks < self.text.len() && is_blank(self.text, blanks) {
            blanks = next_line(self.text, blanks);
        }
        // Blank lines may be part of a block scalar, and YAML allows tabs after some scalars only.
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

    /// Returns the end of the last character of the item. The position of an absent value may be further down.
    fn last_character(&self, at: usize) -> usize {
        let item = &self.items[at];
        let written = &self.text[item.dash..item.range.end.max(item.dash)];
        item.dash + written.trim_end().len()
    }

    /// Returns whether the item may end in a block scalar.
    fn may_be_block_scalar(&self, at: usize) -> bool {
        self.text[self.items[at].range.clone()].contains(['|', '>'])
    }

    /// Returns whether blank lines after the item could become part of it.
    fn may_take_lines(&self, at: usize) -> bool {
        let end = self.end(at, self.indent(at).map_or(0, str::len));
        let behind = &self.text[self.last_character(at)..end];
        self.may_be_block_scalar(at) && behind.trim().is_empty()
    }

    /// Removes an item after `before`, the last one that stays.
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
            // The blank lines before the next item are removed with it.
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
            && (!may_take_lines || (self.reads_same)(unended, before))
        {
            start = unended.len();
        }
        Splice::delete(start..end)
    }

    /// Returns whether the text ends here without a line break.
    fn is_unended(&self, end: usize) -> bool {
        end == self.text.len() && without_break(self.text).is_none()
    }

    /// Returns the first of the blank lines right above a line of an item.
    fn blanks_before(&self, item: usize, mut line: usize) -> usize {
        let floor = item.checked_sub(1).map_or(0, |before| {
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

    /// Returns the new items as text to insert after the last item that stays.
    fn appended(&self, last: usize, at: usize, new: &[String]) -> Option<String> {
        let indent = self.indent(last)?;
        let line_break = break_before(self.text, at);
        let gap = if self.is_spaced() { line_break } else { "" };
        let is_ended = without_break(&self.text[..at]).is_some();
        let items = new.iter().map(|item| {
            if is_ended {
                format!("{gap}{indent}{item}{line_break}")
            } else {
                format!("{line_break}{gap}{indent}{item}")
            }
        });
        Some(items.collect())
    }

    /// Returns whether a blank line separates the last two items.
    fn is_spaced(&self) -> bool {
        let [.., _, last] = self.items else {
            return false;
        };
        if self.text[last.range.clone()].contains(['|', '>', '?']) {
            // A blank line after it could become part of it.
            return false;
        }
        let end = line_end(self.text, self.last_character(self.items.len() - 2));
        let mut line = end + line_break(self.text, end).len();
        while line < last.dash {
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
