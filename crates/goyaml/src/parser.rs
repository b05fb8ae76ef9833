//! Turns tokens into events.

mod block;
mod document;
mod flow;

use std::borrow::Cow;
use std::collections::HashMap;

use super::scanner::Scanner;
use super::token::{Token, TokenKind};
use super::{ErrorKind, Event, EventKind, Mark, ScalarStyle, SyntaxError};

type Parsed<'t> = Result<Event<'t>, SyntaxError>;

/// The state of the parser: what it expects next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirst,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingFirst,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirst,
    FlowSequenceEntry,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirst,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// Converts tokens to events. It builds no tree, so its memory depends only on the depth of nesting.
#[derive(Debug)]
pub struct Parser<'t> {
    scanner: Scanner<'t>,
    state: State,
    states: Vec<State>,
    /// The starts of the open collections.
    marks: Vec<Mark>,
    tag_directives: HashMap<&'t str, String>,
}

impl<'t> Parser<'t> {
    /// Creates a parser at the start of the text.
    pub fn new(text: &'t str) -> Self {
        Self {
            scanner: Scanner::new(text),
            state: State::StreamStart,
            states: Vec::new(),
            marks: Vec::new(),
            tag_directives: HashMap::new(),
        }
    }

    /// Returns the next event; `None` after [`EventKind::StreamEnd`].
    ///
    /// # Errors
    /// If the text is not YAML. The parser cannot be used after an error.
    pub(crate) fn next_event(&mut self) -> Result<Option<Event<'t>>, SyntaxError> {
        Ok(match self.state {
            State::End => return Ok(None),
            State::StreamStart => {
                let token = self.take()?;
                self.state = State::ImplicitDocumentStart;
                Some(event(EventKind::StreamStart, token.start, token.end))
            }
            State::ImplicitDocumentStart => Some(self.document_start(true)?),
            State::DocumentStart => Some(self.document_start(false)?),
            State::DocumentContent => Some(self.document_content()?),
            State::DocumentEnd => Some(self.document_end()?),
            State::BlockNode => Some(self.node(true, false, None)?),
            State::BlockSequenceFirst => {
                self.enter()?;
                Some(self.block_sequence_entry()?)
            }
            State::BlockSequenceEntry => Some(self.block_sequence_entry()?),
            State::IndentlessSequenceEntry => Some(self.indentless_sequence_entry()?),
            State::BlockMappingFirst => {
                self.enter()?;
                Some(self.block_mapping_key()?)
            }
            State::BlockMappingKey => Some(self.block_mapping_key()?),
            State::BlockMappingValue => Some(self.block_mapping_value()?),
            State::FlowSequenceFirst => {
                self.enter()?;
                Some(self.flow_sequence_entry(true)?)
            }
            State::FlowSequenceEntry => Some(self.flow_sequence_entry(false)?),
            State::FlowPairKey => Some(self.flow_pair_key()?),
            State::FlowPairValue => Some(self.flow_pair_value()?),
            State::FlowPairEnd => {
                let at = self.scanner.peek()?.start;
                self.state = State::FlowSequenceEntry;
                Some(event(EventKind::MappingEnd, at, at))
            }
            State::FlowMappingFirst => {
                self.enter()?;
                Some(self.flow_mapping_key(true)?)
            }
            State::FlowMappingKey => Some(self.flow_mapping_key(false)?),
            State::FlowMappingValue => Some(self.flow_mapping_value()?),
            State::FlowMappingEmptyValue => {
                let at = self.scanner.peek()?.start;
                self.state = State::FlowMappingKey;
                Some(empty(at))
            }
        })
    }

    fn take(&mut self) -> Result<Token<'t>, SyntaxError> {
        let at = self.scanner.peek()?.start;
        self.scanner
            .take()
            .ok_or_else(|| error("did not find expected node content", at, None))
    }

    /// Takes the token that opens a collection.
    fn enter(&mut self) -> Result<(), SyntaxError> {
        let token = self.take()?;
        self.marks.push(token.start);
        Ok(())
    }

    /// Takes the token that closes a collection.
    fn leave(&mut self, kind: EventKind<'t>) -> Parsed<'t> {
        let token = self.take()?;
        self.marks.pop();
        self.pop_state();
        Ok(event(kind, token.start, token.end))
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// Parses a node. If `block`, block collections may begin here. If `indentless`, so may a list that is not indented deeper than its
    /// key.
    fn node(&mut self, block: bool, indentless: bool, dash: Option<Mark>) -> Parsed<'t> {
        let token = self.scanner.peek()?;
        let (mut start, mut end) = (token.start, token.end);
        if let TokenKind::Alias(anchor) = token.kind {
            self.take()?;
            self.pop_state();
            return Ok(Event {
                kind: EventKind::Alias { anchor },
                start,
                end,
                dash,
            });
        }
        let (mut anchor, mut tag) = (None, None);
        let mut properties_end = None;
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                TokenKind::Anchor(name) if anchor.is_none() => anchor = Some(name),
                TokenKind::Tag { .. } if tag.is_none() => {}
                _ => break,
            }
            let token = self.take()?;
            properties_end = Some(token.end);
            if let TokenKind::Tag { handle, suffix } = token.kind {
                tag = Some((handle, suffix, token.start));
            }
        }
        let tag = tag
            .map(|tag| self.resolve_tag(tag, start))
            .transpose()?
            .filter(|tag| !tag.is_empty());
        let token = self.scanner.peek()?;
        if properties_end.is_none() {
            start = token.start;
        }
        let (at, token_end) = (token.start, token.end);
        let kind = match &token.kind {
            TokenKind::BlockEntry if indentless => {
                self.state = State::IndentlessSequenceEntry;
                end = token_end;
                EventKind::SequenceStart {
                    anchor,
                    tag,
                    flow: false,
                }
            }
            TokenKind::Scalar { .. } => {
                self.pop_state();
                let token = self.take()?;
                let TokenKind::Scalar { value, style } = token.kind else {
                    return Err(error("did not find expected node content", at, None));
                };
                end = token.end;
                let implicit = match tag.as_deref() {
                    None => style == ScalarStyle::Plain,
                    Some(tag) => tag == "!",
                };
                EventKind::Scalar {
                    anchor,
                    tag,
                    value,
                    style,
                    implicit,
                }
            }
            TokenKind::FlowSequenceStart => {
                self.state = State::FlowSequenceFirst;
                end = token_end;
                EventKind::SequenceStart {
                    anchor,
                    tag,
                    flow: true,
                }
            }
            TokenKind::FlowMappingStart => {
                self.state = State::FlowMappingFirst;
                end = token_end;
                EventKind::MappingStart {
                    anchor,
                    tag,
                    flow: true,
                }
            }
            TokenKind::BlockSequenceStart if block => {
                self.state = State::BlockSequenceFirst;
                end = token_end;
                EventKind::SequenceStart {
                    anchor,
                    tag,
                    flow: false,
                }
            }
            TokenKind::BlockMappingStart if block => {
                self.state = State::BlockMappingFirst;
                end = token_end;
                EventKind::MappingStart {
                    anchor,
                    tag,
                    flow: false,
                }
            }
            _ if anchor.is_some() || tag.is_some() => {
                self.pop_state();
                end = properties_end.unwrap_or(end);
                let implicit = tag.is_none();
                EventKind::Scalar {
                    anchor,
                    tag,
                    value: Cow::Borrowed(""),
                    style: ScalarStyle::Plain,
                    implicit,
                }
            }
            _ => return Err(error("did not find expected node content", at, Some(start))),
        };
        Ok(Event {
            kind,
            start,
            end,
            dash,
        })
    }

    fn resolve_tag(
        &self,
        (handle, suffix, at): (&str, String, Mark),
        start: Mark,
    ) -> Result<String, SyntaxError> {
        if handle.is_empty() {
            return Ok(suffix);
        }
        match self.tag_directives.get(handle) {
            Some(prefix) if !(prefix.is_empty() && suffix.is_empty()) => {
                Ok(format!("{prefix}{suffix}"))
            }
            _ => Err(error("found undefined tag handle", at, Some(start))),
        }
    }
}

const fn event(kind: EventKind<'_>, start: Mark, end: Mark) -> Event<'_> {
    Event {
        kind,
        start,
        end,
        dash: None,
    }
}

/// Returns the event of an absent scalar.
const fn empty<'t>(at: Mark) -> Event<'t> {
    let value = Cow::Borrowed("");
    event(
        EventKind::Scalar {
            anchor: None,
            tag: None,
            value,
            style: ScalarStyle::Plain,
            implicit: true,
        },
        at,
        at,
    )
}

const fn error(message: &'static str, problem: Mark, context: Option<Mark>) -> SyntaxError {
    SyntaxError {
        kind: ErrorKind::Parser,
        message,
        problem,
        context,
    }
}
