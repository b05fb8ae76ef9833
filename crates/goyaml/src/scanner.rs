//! Converts text to tokens.

mod fetch;
mod properties;
mod scalar;

use std::collections::VecDeque;

use super::input::Input;
use super::token::{Token, TokenKind};
use super::{ErrorKind, Mark, SyntaxError};

/// The maximum depth of brackets, and of indentation, that go-yaml reads.
const MAX_DEPTH: usize = 10_000;

/// The maximum length of a key without `?`, in characters.
const MAX_SIMPLE_KEY: usize = 1024;

/// A position at which a key may have started. It is a key if a `:` follows.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    /// Whether the scanner looks ahead for the `:`. go-yaml omits this for `[]` and `{}`, so neither can
    /// be a key without `?`.
    awaited: bool,
    token: usize,
    mark: Mark,
}

/// Converts text to tokens.
#[derive(Debug)]
pub(super) struct Scanner<'t> {
    input: Input<'t>,
    tokens: VecDeque<Token<'t>>,
    /// The number of tokens that were taken.
    taken: usize,
    available: bool,
    started: bool,
    flow_level: usize,
    /// The column of the current block collection; -1 if there is none.
    indent: isize,
    indents: Vec<isize>,
    simple_key_allowed: bool,
    /// One possible key for each flow level.
    simple_keys: Vec<SimpleKey>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            input: Input::new(text),
            tokens: VecDeque::new(),
            taken: 0,
            available: false,
            started: false,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
        }
    }

    /// Returns the next token without taking it.
    pub(super) fn peek(&mut self) -> Result<&Token<'t>, SyntaxError> {
        if !self.available {
            self.fetch_until_certain()?;
            self.available = true;
        }
        self.tokens
            .front()
            .ok_or_else(|| self_error("no token", Mark::default()))
    }

    /// Takes the token that [`Self::peek`] returns.
    pub(super) fn take(&mut self) -> Option<Token<'t>> {
        self.available = false;
        self.taken += 1;
        self.tokens.pop_front()
    }

    /// Fetches tokens until it is certain whether the first one is a key.
    fn fetch_until_certain(&mut self) -> Result<(), SyntaxError> {
        loop {
            if !self.tokens.is_empty() {
                let head = self.taken;
                let Some(level) = self.key_level(head) else {
                    return Ok(());
                };
                if !self.is_still_key(level)? {
                    return Ok(());
                }
            }
            self.fetch()?;
        }
    }

    /// Returns the flow level whose possible key is this token. Tokens of deeper levels come later.
    fn key_level(&self, token: usize) -> Option<usize> {
        let first = self.simple_keys.partition_point(|key| key.token < token);
        let same = self.simple_keys[first..]
            .iter()
            .take_while(|key| key.token == token);
        same.clone()
            .position(|key| key.awaited)
            .map(|at| first + at)
    }

    fn is_still_key(&mut self, level: usize) -> Result<bool, SyntaxError> {
        let (line, chars) = (self.input.line, self.input.chars());
        let key = &mut self.simple_keys[level];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < line || key.mark.chars + MAX_SIMPLE_KEY < chars {
            if key.required {
                let mark = key.mark;
                return Err(self.error_in(mark, "could not find expected ':'"));
            }
            key.possible = false;
        }
        Ok(key.possible)
    }

    fn fetch(&mut self) -> Result<(), SyntaxError> {
        self.input.need(1)?;
        if !self.started {
            self.started = true;
            self.push_here(TokenKind::StreamStart);
            return Ok(());
        }
        self.skip_to_token()?;
        self.unroll_indent(self.input.column() as isize);
        self.input.need(4)?;
        let (at_start, next) = (self.input.column() == 0, self.input.peek(0));
        let is_spaced = |scanner: &Self| scanner.input.is_space(1);
        match next {
            0 if self.input.is_end() => self.fetch_stream_end(),
            b'%' if at_start => self.fetch_directive(),
            b'-' if self.input.is_document_indicator() => {
                self.fetch_document_indicator(TokenKind::DocumentStart)
            }
            b'.' if self.input.is_document_indicator() => {
                self.fetch_document_indicator(TokenKind::DocumentEnd)
            }
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_indicator(TokenKind::FlowEntry, true),
            b'-' if is_spaced(self) => self.fetch_block_entry(),
            b'?' if self.flow_level > 0 || is_spaced(self) => self.fetch_key(),
            b':' if self.flow_level > 0 || is_spaced(self) => self.fetch_value(),
            b'*' => self.fetch_keyable(Self::scan_alias),
            b'&' => self.fetch_keyable(Self::scan_anchor),
            b'!' => self.fetch_keyable(Self::scan_tag),
            b'|' if self.flow_level == 0 => self.fetch_block_scalar(true),
            b'>' if self.flow_level == 0 => self.fetch_block_scalar(false),
            b'\'' => self.fetch_keyable(Self::scan_single_quoted),
            b'"' => self.fetch_keyable(Self::scan_double_quoted),
            _ if self.starts_plain(next) => self.fetch_keyable(Self::scan_plain),
            _ => Err(self.error("found character that cannot start any token")),
        }
    }

    fn starts_plain(&self, next: u8) -> bool {
        match next {
            b'-' => !self.input.is_blank(1),
            b'?' | b':' => self.flow_level == 0 && !self.input.is_space(1),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`' => false,
            _ => !self.input.is_space(0),
        }
    }

    /// Skips white space, comments and line breaks.
    fn skip_to_token(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.input.need(1)?;
            if self.input.column() == 0 && self.input.buffer_starts_with_bom() {
                self.input.skip();
            }
            self.input.need(1)?;
            while self.input.peek(0) == b' '
                || (self.flow_level > 0 || !self.simple_key_allowed) && self.input.peek(0) == b'\t'
            {
                self.input.skip_ascii(1);
                self.input.need(1)?;
            }
            if self.input.peek(0) == b'#' {
                self.skip_comment()?;
            }
            if !self.input.is_break(0) {
                return Ok(());
            }
            self.input.need(2)?;
            self.input.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn skip_blanks(&mut self) -> Result<(), SyntaxError> {
        while self.input.is_blank(0) {
            self.input.skip_ascii(1);
            self.input.need(1)?;
        }
        Ok(())
    }

    fn skip_comment(&mut self) -> Result<(), SyntaxError> {
        while !self.input.is_break_or_end(0) {
            self.input.skip();
            self.input.need(1)?;
        }
        Ok(())
    }

    /// Skips the rest of the line, which may have only white space and a comment.
    fn skip_rest_of_line(&mut self, start: Mark) -> Result<(), SyntaxError> {
        self.input.need(1)?;
        self.skip_blanks()?;
        if self.input.peek(0) == b'#' {
            self.skip_comment()?;
        }
        if !self.input.is_break_or_end(0) {
            return Err(self.error_in(start, "did not find expected comment or line break"));
        }
        if self.input.is_break(0) {
            self.input.need(2)?;
            self.input.skip_line();
        }
        Ok(())
    }

    fn save_simple_key(&mut self) -> Result<(), SyntaxError> {
        if self.simple_key_allowed {
            let key = SimpleKey {
                possible: true,
                awaited: true,
                required: self.flow_level == 0 && self.indent == self.input.column() as isize,
                token: self.taken + self.tokens.len(),
                mark: self.input.mark(),
            };
            self.remove_simple_key()?;
            self.simple_keys[self.flow_level] = key;
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Result<(), SyntaxError> {
        let key = &mut self.simple_keys[self.flow_level];
        if key.possible && key.required {
            let mark = key.mark;
            return Err(self.error_in(mark, "could not find expected ':'"));
        }
        key.awaited &= !key.possible;
        key.possible = false;
        Ok(())
    }

    /// Enters a block collection at `column` if it is deeper than the current one, and inserts its token before token `at`.
    fn roll_indent(
        &mut self,
        column: usize,
        at: Option<usize>,
        kind: TokenKind<'t>,
        mark: Mark,
    ) -> Result<(), SyntaxError> {
        if self.flow_level > 0 || self.indent >= column as isize {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column as isize;
        if self.indents.len() > MAX_DEPTH {
            let context = self.simple_keys[self.flow_level].mark;
            return Err(self.error_in(context, "exceeded max depth of 10000"));
        }
        let token = Token {
            kind,
            start: mark,
            end: mark,
        };
        self.insert(at, token);
        Ok(())
    }

    /// Inserts a token before the token with this number, or at the end if that one was taken already.
    fn insert(&mut self, at: Option<usize>, token: Token<'t>) {
        match at.and_then(|number| number.checked_sub(self.taken)) {
            Some(place) => self.tokens.insert(place, token),
            None => self.tokens.push_back(token),
        }
    }

    /// Leaves the block collections that are deeper than `column`.
    fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push_here(TokenKind::BlockEnd);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Adds a token of one byte.
    fn push_byte(&mut self, kind: TokenKind<'t>) {
        let start = self.input.mark();
        self.input.skip_ascii(1);
        self.push(kind, start);
    }

    fn push_here(&mut self, kind: TokenKind<'t>) {
        let mark = self.input.mark();
        self.push(kind, mark);
    }

    fn push(&mut self, kind: TokenKind<'t>, start: Mark) {
        self.tokens.push_back(Token {
            kind,
            start,
            end: self.input.mark(),
        });
    }

    fn error(&self, message: &'static str) -> SyntaxError {
        self.error_in(self.input.mark(), message)
    }

    fn error_in(&self, context: Mark, message: &'static str) -> SyntaxError {
        SyntaxError {
            kind: ErrorKind::Scanner,
            message,
            problem: self.input.mark(),
            context: Some(context),
        }
    }
}

fn self_error(message: &'static str, problem: Mark) -> SyntaxError {
    SyntaxError {
        kind: ErrorKind::Parser,
        message,
        problem,
        context: None,
    }
}
