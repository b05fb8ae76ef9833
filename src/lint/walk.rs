use std::ops::Range;

use super::Position;
use crate::written::lines::{Line, line_at};

/// Lines and columns of places in a text, which are asked for in their order: one walk through the text for all.
#[derive(Clone, Debug)]
pub struct Walk<'t> {
    text: &'t str,
    line: Line,
    at: usize,
    position: Position,
}

impl<'t> Walk<'t> {
    /// One from the start of the text.
    pub fn new(text: &'t str) -> Self {
        Self {
            text,
            line: line_at(text, 0),
            at: 0,
            position: Position { line: 1, column: 1 },
        }
    }

    /// The place of this byte, which is not in front of the one asked for last.
    pub fn to(&mut self, offset: usize) -> Position {
        while offset >= self.line.next && self.line.next > self.line.end {
            self.line = line_at(self.text, self.line.next);
            self.at = self.line.start;
            self.position.line += 1;
            self.position.column = 1;
        }
        if let Some(passed) = self.text.get(self.at..offset) {
            self.position.column += passed.chars().count();
            self.at = offset;
        }
        self.position
    }

    /// The line of the place asked for last, without its break.
    pub(super) fn line(&self) -> &'t str {
        &self.text[self.span()]
    }

    /// Its bytes.
    pub fn span(&self) -> Range<usize> {
        self.line.start..self.line.end
    }

    /// Goes to the line below; `None` behind the last.
    pub(super) fn next_line(&mut self) -> Option<usize> {
        (self.line.next > self.line.end).then(|| self.to(self.line.next).line)
    }
}
