//! Lines and columns.

use std::ops::Range;

use goyaml::edit::lines::{Line, line_at};

/// A line and column of a text, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    /// In characters.
    pub column: usize,
}

/// Converts ascending byte offsets to positions in a single pass over the text.
#[derive(Clone, Debug)]
pub struct PositionCursor<'t> {
    text: &'t str,
    line: Line,
    offset: usize,
    position: Position,
}

impl<'t> PositionCursor<'t> {
    /// Returns a cursor at the start of the text.
    pub fn new(text: &'t str) -> Self {
        Self {
            text,
            line: line_at(text, 0),
            offset: 0,
            position: Position { line: 1, column: 1 },
        }
    }

    /// Moves to a byte offset, which must not be before the current one, and returns its position.
    pub fn advance_to(&mut self, offset: usize) -> Position {
        while offset >= self.line.next && self.line.next > self.line.end {
            self.line = line_at(self.text, self.line.next);
            self.offset = self.line.start;
            self.position.line += 1;
            self.position.column = 1;
        }
        if let Some(passed) = self.text.get(self.offset..offset) {
            self.position.column += passed.chars().count();
            self.offset = offset;
        }
        self.position
    }

    /// Returns the current line without its line break.
    pub(super) fn line(&self) -> &'t str {
        &self.text[self.line_range()]
    }

    /// Returns the bytes of the current line without its line break.
    pub fn line_range(&self) -> Range<usize> {
        self.line.start..self.line.end
    }

    /// Moves to the next line and returns its number, or `None` after the last line.
    pub(super) fn next_line(&mut self) -> Option<usize> {
        (self.line.next > self.line.end).then(|| self.advance_to(self.line.next).line)
    }
}
