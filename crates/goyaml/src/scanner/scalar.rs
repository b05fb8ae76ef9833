//! Scans scalars in all five styles.

mod block;

use std::borrow::Cow;

use super::Scanner;
use super::properties::hex;
use crate::token::{Token, TokenKind};
use crate::{Mark, ScalarStyle, SyntaxError};

type Scanned<'t> = Result<Token<'t>, SyntaxError>;

/// White space between two words of a scalar that spans lines.
#[derive(Default)]
struct WhiteSpace {
    /// White space within a line.
    blanks: String,
    /// The first line break.
    first: String,
    /// The line breaks after the first.
    rest: String,
    has_break: bool,
}

impl WhiteSpace {
    /// Appends the decoded white space: one newline becomes a space, several become one fewer.
    fn fold_into(&mut self, value: &mut String) {
        if !self.has_break {
            value.push_str(&self.blanks);
        } else if self.first.starts_with('\n') {
            value.push_str(if self.rest.is_empty() {
                " "
            } else {
                &self.rest
            });
        } else {
            value.push_str(&self.first);
            value.push_str(&self.rest);
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.blanks.clear();
        self.first.clear();
        self.rest.clear();
        self.has_break = false;
    }
}

impl<'t> Scanner<'t> {
    pub(super) fn scan_plain(&mut self) -> Scanned<'t> {
        let start = self.input.mark();
        let indent = self.indent + 1;
        let mut end = start;
        // The value borrows the text unless a line break is folded.
        let mut folded: Option<String> = None;
        let mut space = WhiteSpace::default();
        loop {
            self.input.need(4)?;
            if self.input.is_document_indicator() || self.input.peek(0) == b'#' {
                break;
            }
            let word = self.input.pos;
            self.skip_plain_word()?;
            if self.input.pos > word {
                if space.has_break && folded.is_none() {
                    folded = Some(self.input.text[start.offset..end.offset].to_owned());
                }
                if let Some(value) = &mut folded {
                    space.fold_into(value);
                    value.push_str(&self.input.text[word..self.input.pos]);
                }
                space.clear();
                end = self.input.mark();
            }
            if !(self.input.is_blank(0) || self.input.is_break(0)) {
                break;
            }
            self.skip_plain_gap(start, indent, &mut space)?;
            if self.flow_level == 0 && (self.input.column() as isize) < indent {
                break;
            }
        }
        if space.has_break {
            self.simple_key_allowed = true;
        }
        let value = match folded {
            Some(value) => Cow::Owned(value),
            None => Cow::Borrowed(&self.input.text[start.offset..end.offset]),
        };
        Ok(Token {
            kind: TokenKind::Scalar {
                value,
                style: ScalarStyle::Plain,
            },
            start,
            end,
        })
    }

    fn skip_plain_word(&mut self) -> Result<(), SyntaxError> {
        while !self.input.is_space(0) {
            match self.input.peek(0) {
                b':' if self.input.is_space(1) => break,
                b',' | b'?' | b'[' | b']' | b'{' | b'}' if self.flow_level > 0 => break,
                _ => self.input.skip(),
            }
            self.input.need(2)?;
        }
        Ok(())
    }

    fn skip_plain_gap(
        &mut self,
        start: Mark,
        indent: isize,
        space: &mut WhiteSpace,
    ) -> Result<(), SyntaxError> {
        self.input.need(1)?;
        while self.input.is_blank(0) || self.input.is_break(0) {
            if self.input.is_blank(0) {
                let is_tab = self.input.peek(0) == b'\t';
                if space.has_break && is_tab && (self.input.column() as isize) < indent {
                    return Err(
                        self.error_in(start, "found a tab character that violates indentation")
                    );
                }
                self.read_blank(space);
            } else {
                self.read_gap_line(space)?;
            }
            self.input.need(1)?;
        }
        Ok(())
    }

    fn read_blank(&mut self, space: &mut WhiteSpace) {
        if !space.has_break {
            space.blanks.push(char::from(self.input.peek(0)));
        }
        self.input.skip_ascii(1);
    }

    fn read_gap_line(&mut self, space: &mut WhiteSpace) -> Result<(), SyntaxError> {
        self.input.need(2)?;
        if space.has_break {
            self.input.read_line(&mut space.rest);
        } else {
            space.blanks.clear();
            self.input.read_line(&mut space.first);
            space.has_break = true;
        }
        Ok(())
    }

    pub(super) fn scan_single_quoted(&mut self) -> Scanned<'t> {
        self.scan_quoted(ScalarStyle::SingleQuoted, b'\'')
    }

    pub(super) fn scan_double_quoted(&mut self) -> Scanned<'t> {
        self.scan_quoted(ScalarStyle::DoubleQuoted, b'"')
    }

    fn scan_quoted(&mut self, style: ScalarStyle, quote: u8) -> Scanned<'t> {
        let start = self.input.mark();
        self.input.skip_ascii(1);
        // The value borrows the text unless something in it is escaped or folded.
        let mut built: Option<String> = None;
        let mut space = WhiteSpace::default();
        loop {
            self.input.need(4)?;
            if self.input.is_document_indicator() {
                return Err(self.error_in(start, "found unexpected document indicator"));
            }
            if self.input.is_end() {
                return Err(self.error_in(start, "found unexpected end of stream"));
            }
            self.input.need(2)?;
            self.scan_quoted_word(start, quote, &mut built, &mut space)?;
            self.input.need(1)?;
            if self.input.peek(0) == quote {
                break;
            }
            while self.input.is_blank(0) || self.input.is_break(0) {
                if self.input.is_blank(0) {
                    self.read_blank(&mut space);
                } else {
                    self.so_far(start, &mut built, space.blanks.len());
                    self.read_gap_line(&mut space)?;
                }
                self.input.need(1)?;
            }
            if let Some(value) = &mut built {
                space.fold_into(value);
            }
            space.clear();
        }
        let inside = start.offset + 1..self.input.pos;
        self.input.skip_ascii(1);
        let value = match built {
            Some(value) => Cow::Owned(value),
            None => Cow::Borrowed(&self.input.text[inside]),
        };
        Ok(Token {
            kind: TokenKind::Scalar { value, style },
            start,
            end: self.input.mark(),
        })
    }

    /// Returns the value decoded so far. Copies it from the text at the first difference.
    fn so_far<'b>(
        &self,
        start: Mark,
        built: &'b mut Option<String>,
        blanks: usize,
    ) -> &'b mut String {
        built.get_or_insert_with(|| {
            self.input.text[start.offset + 1..self.input.pos - blanks].to_owned()
        })
    }

    fn scan_quoted_word(
        &mut self,
        start: Mark,
        quote: u8,
        built: &mut Option<String>,
        space: &mut WhiteSpace,
    ) -> Result<(), SyntaxError> {
        while !self.input.is_space(0) {
            match self.input.peek(0) {
                b'\'' if quote == b'\'' && self.input.peek(1) == b'\'' => {
                    self.so_far(start, built, 0).push('\'');
                    self.input.skip_ascii(2);
                }
                byte if byte == quote => break,
                b'\\' if quote == b'"' && self.input.is_break(1) => {
                    self.so_far(start, built, 0);
                    self.input.need(3)?;
                    self.input.skip_ascii(1);
                    self.input.skip_line();
                    space.has_break = true;
                    break;
                }
                b'\\' if quote == b'"' => {
                    let value = self.so_far(start, built, 0);
                    self.scan_escape(start, value)?;
                }
                _ => {
                    let from = self.input.pos;
                    self.input.skip();
                    if let Some(value) = built {
                        value.push_str(&self.input.text[from..self.input.pos]);
                    }
                }
            }
            self.input.need(2)?;
        }
        Ok(())
    }

    fn scan_escape(&mut self, start: Mark, value: &mut String) -> Result<(), SyntaxError> {
        let digits = match self.input.peek(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            byte => {
                value.push(match byte {
                    b'0' => '\0',
                    b'a' => '\x07',
                    b'b' => '\x08',
                    b't' | b'\t' => '\t',
                    b'n' => '\n',
                    b'v' => '\x0b',
                    b'f' => '\x0c',
                    b'r' => '\r',
                    b'e' => '\x1b',
                    b' ' | b'"' | b'\'' | b'\\' => char::from(byte),
                    b'N' => '\u{85}',
                    b'_' => '\u{a0}',
                    b'L' => '\u{2028}',
                    b'P' => '\u{2029}',
                    _ => return Err(self.error_in(start, "found unknown escape character")),
                });
                0
            }
        };
        self.input.skip_ascii(2);
        if digits > 0 {
            self.input.need(digits)?;
            let mut code = 0;
            for at in 0..digits {
                let Some(digit) = hex(self.input.peek(at)) else {
                    return Err(self.error_in(start, "did not find expected hexdecimal number"));
                };
                code = code << 4 | u32::from(digit);
            }
            let Some(char) = char::from_u32(code) else {
                return Err(self.error_in(start, "found invalid Unicode character escape code"));
            };
            value.push(char);
            self.input.skip_ascii(digits);
        }
        Ok(())
    }
}
