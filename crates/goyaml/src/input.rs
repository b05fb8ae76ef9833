//! Reads characters and tracks their position.

use super::{ErrorKind, Mark, SyntaxError};

/// The size of the pieces in which go-yaml reads its input.
const PIECE: usize = 512;
const BOM: &[u8] = "\u{feff}".as_bytes();
/// The number of bytes that are checked together.
const CHUNK: usize = 32;

/// The text, and how much of it go-yaml would have read.
///
/// The amount matters in two cases only: go-yaml reports a forbidden character when it reads its piece, and it looks for a byte
/// order mark at the start of its buffer, not at the current position.
#[derive(Debug)]
pub(super) struct Input<'t> {
    pub(super) text: &'t str,
    bytes: &'t [u8],
    pub(super) pos: usize,
    pub(super) line: usize,
    /// The number of bytes before `pos` that do not begin a character. All bytes of a leading byte order mark are included.
    extra: usize,
    /// The number of characters before the current line.
    line_start: usize,
    /// The start of go-yaml's character buffer.
    buffer_start: usize,
    /// The offset up to which the text is decoded.
    filled: usize,
    raw_start: usize,
    raw_end: usize,
    at_end: bool,
    /// The number of NULs that go-yaml appends to its buffer whenever it requests more than the rest of the text.
    nuls: usize,
    started: bool,
}

/// Returns whether all bytes are allowed one-byte characters. Has no branch for each byte, so that the compiler can vectorize it.
fn are_plain(chunk: &[u8; CHUNK]) -> bool {
    chunk
        .iter()
        .fold(true, |plain, byte| plain & is_plain(*byte))
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r')
}

impl<'t> Input<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            pos: 0,
            line: 0,
            extra: 0,
            line_start: 0,
            buffer_start: 0,
            filled: 0,
            raw_start: 0,
            raw_end: 0,
            at_end: false,
            nuls: 0,
            started: false,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        let chars = self.chars();
        Mark {
            offset: self.pos,
            line: self.line,
            column: chars - self.line_start,
            chars,
        }
    }

    pub(super) fn chars(&self) -> usize {
        self.pos - self.extra
    }

    pub(super) fn column(&self) -> usize {
        self.chars() - self.line_start
    }

    /// Resets the column at the end of the text, as on a new line.
    pub(super) fn end_line(&mut self) {
        if self.column() != 0 {
            self.line_start = self.chars();
            self.line += 1;
        }
    }

    /// Returns the byte at this distance from the current position; 0 after the end. No valid text contains a 0.
    #[inline]
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    pub(super) fn buffer_starts_with_bom(&self) -> bool {
        self.bytes[self.buffer_start.min(self.bytes.len())..].starts_with(BOM)
    }

    /// Reads until `count` characters are available, or to the end of the text.
    #[inline]
    pub(super) fn need(&mut self, count: usize) -> Result<(), SyntaxError> {
        if self.filled >= self.pos + 4 * count {
            Ok(())
        } else {
            self.need_slowly(count)
        }
    }

    fn need_slowly(&mut self, count: usize) -> Result<(), SyntaxError> {
        let ahead = self.bytes[self.pos.min(self.filled)..self.filled]
            .iter()
            .filter(|byte| !is_continuation(**byte));
        let mut unread = ahead.count() + self.nuls;
        if unread >= count {
            return Ok(());
        }
        if !self.started {
            self.start();
        }
        self.buffer_start = self.pos;
        let mut first = true;
        while unread < count {
            if !first || self.filled == self.raw_end {
                self.read_piece();
            }
            first = false;
            unread += self.decode_piece()?;
            if self.at_end {
                self.nuls += 1;
                break;
            }
        }
        Ok(())
    }

    fn start(&mut self) {
        self.started = true;
        while !self.at_end && self.raw_end - self.raw_start < 3 {
            self.read_piece();
        }
        if self.bytes.starts_with(BOM) {
            self.pos = BOM.len();
            self.extra = BOM.len();
            self.filled = BOM.len();
        }
    }

    fn read_piece(&mut self) {
        let is_full = self.filled == self.raw_start && self.raw_end - self.raw_start == PIECE;
        if is_full || self.at_end {
            return;
        }
        self.raw_start = self.filled;
        let read = (PIECE - (self.raw_end - self.raw_start)).min(self.bytes.len() - self.raw_end);
        self.raw_end += read;
        self.at_end = read == 0;
    }

    /// Decodes the current piece, except an incomplete character at its end. Returns the number of characters.
    fn decode_piece(&mut self) -> Result<usize, SyntaxError> {
        let mut count = 0;
        while self.filled < self.raw_end {
            let piece = &self.bytes[self.filled..self.raw_end];
            if piece.first_chunk().is_some_and(are_plain) {
                self.filled += CHUNK;
                count += CHUNK;
                continue;
            }
            let byte = piece[0];
            if is_plain(byte) {
                self.filled += 1;
                count += 1;
                continue;
            }
            let width = width(byte);
            if self.filled + width > self.raw_end {
                break;
            }
            let is_allowed = self.text[self.filled..].chars().next().is_some_and(|char| {
                matches!(char, '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
            });
            if !is_allowed {
                return Err(SyntaxError {
                    kind: ErrorKind::Reader,
                    message: "control characters are not allowed",
                    problem: self.mark_of(self.filled),
                    context: None,
                });
            }
            self.filled += width;
            count += 1;
        }
        Ok(count)
    }

    /// Returns the mark of a position that the scanner has not reached. Computes line and column from the start of the text.
    fn mark_of(&self, offset: usize) -> Mark {
        let before = &self.text[..offset];
        let line = before.matches('\n').count();
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count();
        Mark {
            offset,
            line,
            column,
            chars: before.chars().count(),
        }
    }

    /// Skips one character.
    #[inline]
    pub(super) fn skip(&mut self) {
        let width = width(self.peek(0));
        if self.pos < self.bytes.len() {
            self.pos += width;
            self.extra += width - 1;
        }
    }

    /// Skips `count` characters of one byte each.
    #[inline]
    pub(super) fn skip_ascii(&mut self, count: usize) {
        self.pos += count;
    }

    /// Skips a line break and returns its width; 0 if there is none.
    pub(super) fn skip_line(&mut self) -> usize {
        let width = match self.peek(0) {
            b'\r' if self.peek(1) == b'\n' => 2,
            b'\r' | b'\n' => 1,
            _ if self.is_break(0) => {
                let width = width(self.peek(0));
                self.extra += width - 1;
                width
            }
            _ => return 0,
        };
        self.pos += width;
        self.line += 1;
        self.line_start = self.chars();
        width
    }

    /// Skips a line break and appends its decoded form: LS and PS unchanged, a newline for any other.
    pub(super) fn read_line(&mut self, into: &mut String) {
        let start = self.pos;
        match self.skip_line() {
            0 => {}
            3 => into.push_str(&self.text[start..self.pos]),
            _ => into.push('\n'),
        }
    }

    #[inline]
    pub(super) fn is_end(&self) -> bool {
        self.pos >= self.bytes.len()
    }

    #[inline]
    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), b' ' | b'\t')
    }

    #[inline]
    pub(super) fn is_break(&self, ahead: usize) -> bool {
        match self.peek(ahead) {
            b'\n' | b'\r' => true,
            0xc2 => self.peek(ahead + 1) == 0x85,
            0xe2 => self.peek(ahead + 1) == 0x80 && matches!(self.peek(ahead + 2), 0xa8 | 0xa9),
            _ => false,
        }
    }

    #[inline]
    pub(super) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.peek(ahead) == 0 || self.is_break(ahead)
    }

    /// Returns whether a space, tab, line break or the end of the text is at this distance.
    #[inline]
    pub(super) fn is_space(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    /// Returns whether `---` or `...` is here, at the start of a line and followed by white space.
    pub(super) fn is_document_indicator(&self) -> bool {
        let rest = &self.bytes[self.pos..];
        self.column() == 0
            && (rest.starts_with(b"---") || rest.starts_with(b"..."))
            && self.is_space(3)
    }
}

/// Returns the number of bytes of the character that starts with this byte.
const fn width(first: u8) -> usize {
    match first {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    }
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}
