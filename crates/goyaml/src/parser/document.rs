//! Parses the start and end of documents, and directives.

use super::{Parsed, Parser, State, empty, error, event};
use crate::token::TokenKind;
use crate::{EventKind, SyntaxError};

impl<'t> Parser<'t> {
    pub(super) fn document_start(&mut self, implicit: bool) -> Parsed<'t> {
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

    pub(super) fn directives(&mut self) -> Result<(), SyntaxError> {
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

    pub(super) fn document_content(&mut self) -> Parsed<'t> {
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

    pub(super) fn document_end(&mut self) -> Parsed<'t> {
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
}
