//! Parses block sequences and block mappings.

use super::{Parsed, Parser, State, empty, error, event};
use crate::token::TokenKind;
use crate::{Event, EventKind, Mark};

impl<'t> Parser<'t> {
    pub(super) fn block_sequence_entry(&mut self) -> Parsed<'t> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::BlockEntry => {
                let (dash, at) = (token.start, token.end);
                self.take()?;
                let next = &self.scanner.peek()?.kind;
                if matches!(next, TokenKind::BlockEntry | TokenKind::BlockEnd) {
                    self.state = State::BlockSequenceEntry;
                    return Ok(Event {
                        dash: Some(dash),
                        ..empty(at)
                    });
                }
                self.states.push(State::BlockSequenceEntry);
                self.node(true, false, Some(dash))
            }
            TokenKind::BlockEnd => self.leave(EventKind::SequenceEnd),
            _ => {
                let at = token.start;
                Err(error(
                    "did not find expected '-' indicator",
                    at,
                    self.marks.pop(),
                ))
            }
        }
    }

    pub(super) fn indentless_sequence_entry(&mut self) -> Parsed<'t> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        if token.kind != TokenKind::BlockEntry {
            self.pop_state();
            return Ok(event(EventKind::SequenceEnd, start, start));
        }
        self.take()?;
        let next = &self.scanner.peek()?.kind;
        if matches!(
            next,
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
        ) {
            self.state = State::IndentlessSequenceEntry;
            return Ok(Event {
                dash: Some(start),
                ..empty(end)
            });
        }
        self.states.push(State::IndentlessSequenceEntry);
        self.node(true, false, Some(start))
    }

    pub(super) fn block_mapping_key(&mut self) -> Parsed<'t> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::Key => {
                let at = token.end;
                self.take()?;
                self.block_mapping_part(at, State::BlockMappingValue)
            }
            TokenKind::BlockEnd => self.leave(EventKind::MappingEnd),
            _ => {
                let at = token.start;
                Err(error("did not find expected key", at, self.marks.pop()))
            }
        }
    }

    pub(super) fn block_mapping_value(&mut self) -> Parsed<'t> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        if token.kind != TokenKind::Value {
            self.state = State::BlockMappingKey;
            return Ok(empty(start));
        }
        self.take()?;
        self.block_mapping_part(end, State::BlockMappingKey)
    }

    /// Parses a key or value after its indicator. It may be absent.
    pub(super) fn block_mapping_part(&mut self, at: Mark, next_state: State) -> Parsed<'t> {
        let next = &self.scanner.peek()?.kind;
        if matches!(
            next,
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
        ) {
            self.state = next_state;
            return Ok(empty(at));
        }
        self.states.push(next_state);
        self.node(true, true, None)
    }
}
