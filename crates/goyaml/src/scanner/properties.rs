//! Scans anchors, aliases, tags and directives.

use super::Scanner;
use crate::token::{Token, TokenKind};
use crate::{Mark, SyntaxError};

type Scanned<'t> = Result<Token<'t>, SyntaxError>;

impl<'t> Scanner<'t> {
    pub(super) fn scan_alias(&mut self) -> Scanned<'t> {
        self.scan_name(TokenKind::Alias)
    }

    pub(super) fn scan_anchor(&mut self) -> Scanned<'t> {
        self.scan_name(TokenKind::Anchor)
    }

    fn scan_name(&mut self, kind: fn(&'t str) -> TokenKind<'t>) -> Scanned<'t> {
        let start = self.input.mark();
        self.input.skip_ascii(1);
        let name = self.read_word()?;
        let ends = self.input.is_space(0)
            || matches!(
                self.input.peek(0),
                b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'
            );
        if name.is_empty() || !ends {
            return Err(self.error_in(
                start,
                "did not find expected alphabetic or numeric character",
            ));
        }
        Ok(Token {
            kind: kind(name),
            start,
            end: self.input.mark(),
        })
    }

    pub(super) fn scan_tag(&mut self) -> Scanned<'t> {
        let start = self.input.mark();
        self.input.need(2)?;
        let (handle, suffix);
        if self.input.peek(1) == b'<' {
            self.input.skip_ascii(2);
            handle = "";
            suffix = self.scan_tag_uri("", start)?;
            if self.input.peek(0) != b'>' {
                return Err(self.error_in(start, "did not find the expected '>'"));
            }
            self.input.skip_ascii(1);
        } else {
            let head = self.scan_tag_handle(start)?;
            if head.len() > 1 && head.ends_with('!') {
                handle = head;
                suffix = self.scan_tag_uri("", start)?;
            } else {
                let uri = self.scan_tag_uri(head, start)?;
                // `!` alone is a tag, too.
                (handle, suffix) = if uri.is_empty() {
                    ("", "!".to_owned())
                } else {
                    ("!", uri)
                };
            }
        }
        self.input.need(1)?;
        if !self.input.is_space(0) {
            return Err(self.error_in(start, "did not find expected whitespace or line break"));
        }
        Ok(Token {
            kind: TokenKind::Tag { handle, suffix },
            start,
            end: self.input.mark(),
        })
    }

    /// Scans `!`, `!!` or `!name!`, or the start `!name` of a local tag.
    fn scan_tag_handle(&mut self, start: Mark) -> Result<&'t str, SyntaxError> {
        self.input.need(1)?;
        let from = self.input.pos;
        if self.input.peek(0) != b'!' {
            return Err(self.error_in(start, "did not find expected '!'"));
        }
        self.input.skip_ascii(1);
        self.read_word()?;
        if self.input.peek(0) == b'!' {
            self.input.skip_ascii(1);
        }
        Ok(&self.input.text[from..self.input.pos])
    }

    /// Scans the rest of a tag. `head` is the part that was scanned as a handle.
    fn scan_tag_uri(&mut self, head: &str, start: Mark) -> Result<String, SyntaxError> {
        let mut uri = head.get(1..).unwrap_or_default().to_owned();
        let mut found = !head.is_empty();
        self.input.need(1)?;
        loop {
            match self.input.peek(0) {
                b'%' => self.scan_uri_escapes(start, &mut uri)?,
                byte if is_word(byte) || b";/?:@&=+$,.!~*'()[]".contains(&byte) => {
                    uri.push(char::from(byte));
                    self.input.skip_ascii(1);
                }
                _ => break,
            }
            self.input.need(1)?;
            found = true;
        }
        if !found {
            return Err(self.error_in(start, "did not find expected tag URI"));
        }
        Ok(uri)
    }

    /// Scans `%xx` for each byte of one character.
    fn scan_uri_escapes(&mut self, start: Mark, into: &mut String) -> Result<(), SyntaxError> {
        let mut octets = Vec::new();
        let mut width = 1;
        while octets.len() < width {
            self.input.need(3)?;
            let digits = (hex(self.input.peek(1)), hex(self.input.peek(2)));
            let (b'%', (Some(high), Some(low))) = (self.input.peek(0), digits) else {
                return Err(self.error_in(start, "did not find URI escaped octet"));
            };
            let octet = (high << 4) | low;
            if octets.is_empty() {
                width = match octet {
                    0..=0x7f => 1,
                    0xc0..=0xdf => 2,
                    0xe0..=0xef => 3,
                    0xf0..=0xf7 => 4,
                    _ => return Err(self.error_in(start, "found an incorrect leading UTF-8 octet")),
                };
            } else if octet & 0xc0 != 0x80 {
                return Err(self.error_in(start, "found an incorrect trailing UTF-8 octet"));
            }
            octets.push(octet);
            self.input.skip_ascii(3);
        }
        into.push_str(&String::from_utf8_lossy(&octets));
        Ok(())
    }

    pub(super) fn scan_directive(&mut self) -> Result<TokenKind<'t>, SyntaxError> {
        let start = self.input.mark();
        self.input.skip_ascii(1);
        let name = self.read_word()?;
        if name.is_empty() {
            return Err(self.error_in(start, "could not find expected directive name"));
        }
        if !self.input.is_space(0) {
            return Err(self.error_in(start, "found unexpected non-alphabetical character"));
        }
        let kind = match name {
            "YAML" => self.scan_version(start)?,
            "TAG" => self.scan_tag_directive(start)?,
            _ => return Err(self.error_in(start, "found unknown directive name")),
        };
        self.skip_rest_of_line(start)?;
        Ok(kind)
    }

    fn scan_version(&mut self, start: Mark) -> Result<TokenKind<'t>, SyntaxError> {
        self.input.need(1)?;
        self.skip_blanks()?;
        let major = self.scan_version_number(start)?;
        if self.input.peek(0) != b'.' {
            return Err(self.error_in(start, "did not find expected digit or '.' character"));
        }
        self.input.skip_ascii(1);
        let minor = self.scan_version_number(start)?;
        Ok(TokenKind::VersionDirective { major, minor })
    }

    fn scan_version_number(&mut self, start: Mark) -> Result<u8, SyntaxError> {
        self.input.need(1)?;
        let from = self.input.pos;
        let mut value = 0;
        while self.input.peek(0).is_ascii_digit() {
            if self.input.pos - from == 2 {
                return Err(self.error_in(start, "found extremely long version number"));
            }
            value = value * 10 + (self.input.peek(0) - b'0');
            self.input.skip_ascii(1);
            self.input.need(1)?;
        }
        if self.input.pos == from {
            return Err(self.error_in(start, "did not find expected version number"));
        }
        Ok(value)
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Result<TokenKind<'t>, SyntaxError> {
        self.input.need(1)?;
        self.skip_blanks()?;
        let handle = self.scan_tag_handle(start)?;
        if handle != "!" && (handle.len() == 1 || !handle.ends_with('!')) {
            return Err(self.error_in(start, "did not find expected '!'"));
        }
        self.input.need(1)?;
        if !self.input.is_blank(0) {
            return Err(self.error_in(start, "did not find expected whitespace"));
        }
        self.skip_blanks()?;
        let prefix = self.scan_tag_uri("", start)?;
        self.input.need(1)?;
        if !self.input.is_space(0) {
            return Err(self.error_in(start, "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective { handle, prefix })
    }

    /// Scans letters, digits, `_` and `-`.
    fn read_word(&mut self) -> Result<&'t str, SyntaxError> {
        self.input.need(1)?;
        let from = self.input.pos;
        while is_word(self.input.peek(0)) {
            self.input.skip_ascii(1);
            self.input.need(1)?;
        }
        Ok(&self.input.text[from..self.input.pos])
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

pub(super) fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
