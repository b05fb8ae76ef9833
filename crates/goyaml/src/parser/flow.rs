//! Parses flow sequences and flow mappings.

use super::{Parsed, Parser, State, empty, error, event};
use crate::token::TokenKind;
use crate::{EventKind, SyntaxError};

impl<'t> Parser<'t> {
    /// Takes the `,` that must precede every item except the first, unless the collection ends here.
    pub(super) fn flow_separator(
        &mut self,
        first: bool,
        end: &TokenKind<'t>,
        expected: &'static str,
    ) -> Result<(), SyntaxError> {
        let token = self.scanner.peek()?;
        if first || token.kind == *end {
            return Ok(());
        }
        if token.kind != TokenKind::FlowEntry {
            let at = token.start;
            return Err(error(expected, at, self.marks.pop()));
        }
        self.take()?;
        self.scanner.peek()?;
        Ok(())
    }

    pub(super) fn flow_sequence_entry(&mut self, first: bool) -> Parsed<'t> {
        self.flow_separator(
            first,
            &TokenKind::FlowSequenceEnd,
            "did not find expected ',' or ']'",
        )?;
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::FlowSequenceEnd => self.leave(EventKind::SequenceEnd),
            TokenKind::Key => {
                let (start, end) = (token.start, token.end);
                self.take()?;
                self.state = State::FlowPairKey;
                Ok(event(
                    EventKind::MappingStart {
                        anchor: None,
                        tag: None,
                        flow: true,
                    },
                    start,
                    end,
                ))
            }
            _ => {
                self.states.push(State::FlowSequenceEntry);
                self.node(false, false, None)
            }
        }
    }

    pub(super) fn flow_pair_key(&mut self) -> Parsed<'t> {
        let token = self.scanner.peek()?;
        if matches!(
            token.kind,
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd
        ) {
            let at = token.end;
            self.take()?;
            self.state = State::FlowPairValue;
            return Ok(empty(at));
        }
        self.states.push(State::FlowPairValue);
        self.node(false, false, None)
    }

    pub(super) fn flow_pair_value(&mut self) -> Parsed<'t> {
        let token = self.scanner.peek()?;
        let at = token.start;
        if token.kind == TokenKind::Value {
            self.take()?;
            let next = &self.scanner.peek()?.kind;
            if !matches!(next, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                self.states.push(State::FlowPairEnd);
                return self.node(false, false, None);
            }
        }
        self.state = State::FlowPairEnd;
        Ok(empty(at))
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Parsed<'t> {
        self.flow_separator(
            first,
            &TokenKind::FlowMappingEnd,
            "did not find expected ',' or '}'",
        )?;
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::FlowMappingEnd => self.leave(EventKind::MappingEnd),
            TokenKind::Key => {
                self.take()?;
                let next = self.scanner.peek()?;
                if matches!(
                    next.kind,
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd
                ) {
                    let at = next.start;
                    self.state = State::FlowMappingValue;
                    return Ok(empty(at));
                }
                self.states.push(State::FlowMappingValue);
                self.node(false, false, None)
            }
            _ => {
                self.states.push(State::FlowMappingEmptyValue);
                self.node(false, false, None)
            }
        }
    }

    pub(super) fn flow_mapping_value(&mut self) -> Parsed<'t> {
        if self.scanner.peek()?.kind == TokenKind::Value {
            self.take()?;
            let next = &self.scanner.peek()?.kind;
            if !matches!(next, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                self.states.push(State::FlowMappingKey);
                return self.node(false, false, None);
            }
        }
        let at = self.scanner.peek()?.start;
        self.state = State::FlowMappingKey;
        Ok(empty(at))
    }
}
