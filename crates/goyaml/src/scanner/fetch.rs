//! Fetches each kind of token, and updates indentation and possible keys.

use super::{MAX_DEPTH, Scanner, SimpleKey};
use crate::SyntaxError;
use crate::token::{Token, TokenKind};

impl<'t> Scanner<'t> {
    pub(super) fn fetch_stream_end(&mut self) -> Result<(), SyntaxError> {
        self.input.end_line();
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push_here(TokenKind::StreamEnd);
        Ok(())
    }

    pub(super) fn fetch_directive(&mut self) -> Result<(), SyntaxError> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.input.mark();
        let kind = self.scan_directive()?;
        self.push(kind, start);
        Ok(())
    }

    pub(super) fn fetch_document_indicator(
        &mut self,
        kind: TokenKind<'t>,
    ) -> Result<(), SyntaxError> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.input.mark();
        self.input.skip_ascii(3);
        self.push(kind, start);
        Ok(())
    }

    pub(super) fn fetch_flow_start(&mut self, kind: TokenKind<'t>) -> Result<(), SyntaxError> {
        self.save_simple_key()?;
        let key = SimpleKey {
            token: self.taken + self.tokens.len(),
            mark: self.input.mark(),
            ..SimpleKey::default()
        };
        self.simple_keys.push(key);
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(self.error_in(key.mark, "exceeded max depth of 10000"));
        }
        self.simple_key_allowed = true;
        self.push_byte(kind);
        Ok(())
    }

    pub(super) fn fetch_flow_end(&mut self, kind: TokenKind<'t>) -> Result<(), SyntaxError> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            let closed = self.simple_keys.pop().unwrap_or_default();
            for key in self
                .simple_keys
                .iter_mut()
                .rev()
                .take_while(|key| key.token == closed.token)
            {
                key.awaited = false;
            }
        }
        self.simple_key_allowed = false;
        self.push_byte(kind);
        Ok(())
    }

    pub(super) fn fetch_indicator(
        &mut self,
        kind: TokenKind<'t>,
        key_may_follow: bool,
    ) -> Result<(), SyntaxError> {
        self.remove_simple_key()?;
        self.simple_key_allowed = key_may_follow;
        self.push_byte(kind);
        Ok(())
    }

    pub(super) fn fetch_block_entry(&mut self) -> Result<(), SyntaxError> {
        self.start_block(
            TokenKind::BlockSequenceStart,
            "block sequence entries are not allowed in this context",
        )?;
        self.fetch_indicator(TokenKind::BlockEntry, true)
    }

    pub(super) fn fetch_key(&mut self) -> Result<(), SyntaxError> {
        self.start_block(
            TokenKind::BlockMappingStart,
            "mapping keys are not allowed in this context",
        )?;
        self.fetch_indicator(TokenKind::Key, self.flow_level == 0)
    }

    pub(super) fn start_block(
        &mut self,
        kind: TokenKind<'t>,
        not_allowed: &'static str,
    ) -> Result<(), SyntaxError> {
        if self.flow_level > 0 {
            return Ok(());
        }
        if !self.simple_key_allowed {
            let mark = self.input.mark();
            return Err(self.error_in(mark, not_allowed));
        }
        self.roll_indent(self.input.column(), None, kind, self.input.mark())
    }

    pub(super) fn fetch_value(&mut self) -> Result<(), SyntaxError> {
        if self.is_still_key(self.flow_level)? {
            let SimpleKey { token, mark, .. } = self.simple_keys[self.flow_level];
            self.insert(
                Some(token),
                Token {
                    kind: TokenKind::Key,
                    start: mark,
                    end: mark,
                },
            );
            self.roll_indent(mark.column, Some(token), TokenKind::BlockMappingStart, mark)?;
            self.simple_keys[self.flow_level].possible = false;
            self.simple_keys[self.flow_level].awaited = false;
            self.simple_key_allowed = false;
        } else {
            self.start_block(
                TokenKind::BlockMappingStart,
                "mapping values are not allowed in this context",
            )?;
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_byte(TokenKind::Value);
        Ok(())
    }

    /// Fetches a token that may be, or begin, a key.
    pub(super) fn fetch_keyable(
        &mut self,
        scan: fn(&mut Self) -> Result<Token<'t>, SyntaxError>,
    ) -> Result<(), SyntaxError> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = scan(self)?;
        self.tokens.push_back(token);
        Ok(())
    }

    pub(super) fn fetch_block_scalar(&mut self, literal: bool) -> Result<(), SyntaxError> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let token = self.scan_block_scalar(literal)?;
        self.tokens.push_back(token);
        Ok(())
    }
}
