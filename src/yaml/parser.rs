use std::borrow::Cow;
use std::collections::HashMap;

use super::scanner::Scanner;
use super::token::{Token, TokenKind};
use super::{ErrorKind, Event, EventKind, Mark, ScalarStyle, SyntaxError};

type Parsed<'t> = Result<Event<'t>, SyntaxError>;

/// What to expect next.
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

/// Tokens to events. Nothing is built: the memory it needs grows with the nesting alone.
#[derive(Debug)]
pub struct Parser<'t> {
    scanner: Scanner<'t>,
    state: State,
    states: Vec<State>,
    /// Where the collections that we are in begin.
    marks: Vec<Mark>,
    tag_directives: HashMap<&'t str, String>,
}

impl<'t> Parser<'t> {
    /// A parser at the beginning of the text.
    pub fn new(text: &'t str) -> Self {
        Self {
            scanner: Scanner::new(text),
            state: State::StreamStart,
            states: Vec::new(),
            marks: Vec::new(),
            tag_directives: HashMap::new(),
        }
    }

    /// The next event; after [`EventKind::StreamEnd`] there is none.
    ///
    /// # Errors
    /// Where the text is not YAML. The parser is of no use from then on.
    pub fn next_event(&mut self) -> Result<Option<Event<'t>>, SyntaxError> {
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

    fn document_start(&mut self, implicit: bool) -> Parsed<'t> {
        if !implicit {
            while self.scanner.peek()?.kind == TokenKind::DocumentEnd {
                self.take()?;
            }
        }
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        let starts_document = matches!(
            token.kind,
            TokenKind::VersionDirective { .. }
                | TokenKind::TagDirective { .. }
                | TokenKind::DocumentStart
        );
        if token.kind == TokenKind::StreamEnd {
            self.take()?;
            self.state = State::End;
            return Ok(event(EventKind::StreamEnd, start, end));
        }
        self.directives()?;
        if implicit && !starts_document {
            self.states.push(State::DocumentEnd);
            self.state = State::BlockNode;
            return Ok(event(
                EventKind::DocumentStart { explicit: false },
                start,
                end,
            ));
        }
        let token = self.scanner.peek()?;
        if token.kind != TokenKind::DocumentStart {
            return Err(error(
                "did not find expected <document start>",
                token.start,
                None,
            ));
        }
        let end = token.end;
        self.take()?;
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        Ok(event(
            EventKind::DocumentStart { explicit: true },
            start,
            end,
        ))
    }

    fn directives(&mut self) -> Result<(), SyntaxError> {
        let mut has_version = false;
        loop {
            let token = self.scanner.peek()?;
            let at = token.start;
            match &token.kind {
                TokenKind::VersionDirective { .. } if has_version => {
                    return Err(error("found duplicate %YAML directive", at, None));
                }
                TokenKind::VersionDirective { major: 1, minor: 1 } => has_version = true,
                TokenKind::VersionDirective { .. } => {
                    return Err(error("found incompatible YAML document", at, None));
                }
                TokenKind::TagDirective { handle, prefix } => {
                    let known = self.tag_directives.insert(handle, prefix.clone());
                    if known.is_some() {
                        return Err(error("found duplicate %TAG directive", at, None));
                    }
                }
                _ => break,
            }
            self.take()?;
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            let known = self.tag_directives.entry(handle);
            known.or_insert_with(|| prefix.to_owned());
        }
        Ok(())
    }

    fn document_content(&mut self) -> Parsed<'t> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                let at = token.start;
                self.pop_state();
                Ok(empty(at))
            }
            _ => self.node(true, false, None),
        }
    }

    fn document_end(&mut self) -> Parsed<'t> {
        let token = self.scanner.peek()?;
        let (start, mut end) = (token.start, token.start);
        let explicit = token.kind == TokenKind::DocumentEnd;
        if explicit {
            end = token.end;
            self.take()?;
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        Ok(event(EventKind::DocumentEnd { explicit }, start, end))
    }

    /// A node. `block`: block collections may begin here; `indentless`: so may a list as deep as its key.
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

    fn block_sequence_entry(&mut self) -> Parsed<'t> {
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

    fn indentless_sequence_entry(&mut self) -> Parsed<'t> {
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

    fn block_mapping_key(&mut self) -> Parsed<'t> {
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

    fn block_mapping_value(&mut self) -> Parsed<'t> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        if token.kind != TokenKind::Value {
            self.state = State::BlockMappingKey;
            return Ok(empty(start));
        }
        self.take()?;
        self.block_mapping_part(end, State::BlockMappingKey)
    }

    /// A key or a value behind its indicator, either of which may be missing.
    fn block_mapping_part(&mut self, at: Mark, next_state: State) -> Parsed<'t> {
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

    /// Takes the `,` that must stand before every item but the first, unless the collection ends here.
    fn flow_separator(
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

    fn flow_sequence_entry(&mut self, first: bool) -> Parsed<'t> {
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

    fn flow_pair_key(&mut self) -> Parsed<'t> {
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

    fn flow_pair_value(&mut self) -> Parsed<'t> {
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

    fn flow_mapping_key(&mut self, first: bool) -> Parsed<'t> {
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

    fn flow_mapping_value(&mut self) -> Parsed<'t> {
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

const fn event(kind: EventKind<'_>, start: Mark, end: Mark) -> Event<'_> {
    Event {
        kind,
        start,
        end,
        dash: None,
    }
}

/// A scalar that is not there.
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
