//! Scans literal and folded block scalars, `|` and `>`.

use std::borrow::Cow;

use super::Scanned;
use crate::scanner::Scanner;
use crate::token::{Token, TokenKind};
use crate::{Mark, ScalarStyle, SyntaxError};

impl<'t> Scanner<'t> {
    pub(in crate::scanner) fn scan_block_scalar(&mut self, literal: bool) -> Scanned<'t> {
        let start = self.input.mark();
        self.input.skip_ascii(1);
        self.input.need(1)?;
        let (chomp, increment) = self.scan_block_header(start)?;
        self.skip_rest_of_line(start)?;
        let mut end = self.input.mark();
        let mut indent = if increment > 0 {
            self.indent.max(0) as usize + increment
        } else {
            0
        };
        let (mut value, mut break_before, mut breaks) =
            (String::new(), String::new(), String::new());
        self.scan_block_breaks(start, &mut indent, &mut breaks, &mut end)?;
        self.input.need(1)?;
        let mut was_blank = false;
        while self.input.column() == indent && !self.input.is_end() {
            let is_blank = self.input.is_blank(0);
            if !literal && !was_blank && !is_blank && break_before.starts_with('\n') {
                if breaks.is_empty() {
                    value.push(' ');
                }
            } else {
                value.push_str(&break_before);
            }
            break_before.clear();
            value.push_str(&breaks);
            breaks.clear();
            was_blank = is_blank;
            let from = self.input.pos;
            while !self.input.is_break_or_end(0) {
                self.input.skip();
                self.input.need(1)?;
            }
            value.push_str(&self.input.text[from..self.input.pos]);
            self.input.need(2)?;
            self.input.read_line(&mut break_before);
            self.scan_block_breaks(start, &mut indent, &mut breaks, &mut end)?;
        }
        if chomp != Chomp::Strip {
            value.push_str(&break_before);
        }
        if chomp == Chomp::Keep {
            value.push_str(&breaks);
        }
        let style = if literal {
            ScalarStyle::Literal
        } else {
            ScalarStyle::Folded
        };
        Ok(Token {
            kind: TokenKind::Scalar {
                value: Cow::Owned(value),
                style,
            },
            start,
            end,
        })
    }

    /// Scans `+` or `-` and a digit, in either order. Both are optional.
    fn scan_block_header(&mut self, start: Mark) -> Result<(Chomp, usize), SyntaxError> {
        let (mut chomp, mut increment) = (Chomp::Clip, None);
        if let Some(found) = self.chomp() {
            chomp = found;
            self.input.skip_ascii(1);
            self.input.need(1)?;
            increment = self.block_increment(start)?;
        } else if let Some(found) = self.block_increment(start)? {
            increment = Some(found);
            self.input.need(1)?;
            if let Some(found) = self.chomp() {
                chomp = found;
                self.input.skip_ascii(1);
            }
        }
        Ok((chomp, increment.unwrap_or(0)))
    }

    fn chomp(&self) -> Option<Chomp> {
        match self.input.peek(0) {
            b'+' => Some(Chomp::Keep),
            b'-' => Some(Chomp::Strip),
            _ => None,
        }
    }

    fn block_increment(&mut self, start: Mark) -> Result<Option<usize>, SyntaxError> {
        match self.input.peek(0) {
            b'0' => Err(self.error_in(start, "found an indentation indicator equal to 0")),
            byte @ b'1'..=b'9' => {
                self.input.skip_ascii(1);
                Ok(Some(usize::from(byte - b'0')))
            }
            _ => Ok(None),
        }
    }

    /// Skips indentation and empty lines. Sets the indentation if it is unknown (0).
    fn scan_block_breaks(
        &mut self,
        start: Mark,
        indent: &mut usize,
        breaks: &mut String,
        end: &mut Mark,
    ) -> Result<(), SyntaxError> {
        *end = self.input.mark();
        let mut deepest = 0;
        loop {
            self.input.need(1)?;
            while (*indent == 0 || self.input.column() < *indent) && self.input.peek(0) == b' ' {
                self.input.skip_ascii(1);
                self.input.need(1)?;
            }
            let column = self.input.column();
            deepest = deepest.max(column);
            if (*indent == 0 || column < *indent) && self.input.peek(0) == b'\t' {
                return Err(self.error_in(
                    start,
                    "found a tab character where an indentation space is expected",
                ));
            }
            if !self.input.is_break(0) {
                break;
            }
            self.input.need(2)?;
            self.input.read_line(breaks);
            *end = self.input.mark();
        }
        if *indent == 0 {
            *indent = deepest.max((self.indent + 1).max(1) as usize);
        }
        Ok(())
    }
}

/// How the line breaks at the end of a block scalar are decoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Clip,
    Keep,
    Strip,
}
