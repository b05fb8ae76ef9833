//! Syntax errors.

use super::Mark;

/// Why the input is not valid YAML, with go-yaml's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// The part of go-yaml that reports the error.
    pub kind: ErrorKind,
    pub message: &'static str,
    /// The position of the error.
    pub problem: Mark,
    /// The start of the construct that contains the error.
    pub context: Option<Mark>,
}

/// The part of go-yaml that reports an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Reports a character that YAML does not allow, or an input that is too long.
    Reader,
    /// Reports an invalid token.
    Scanner,
    /// Reports tokens in an invalid order.
    Parser,
}

impl SyntaxError {
    /// Returns the error as go-yaml prints it. Some errors have a line number, which go-yaml sometimes gets wrong by one.
    pub fn go_message(&self) -> String {
        let line = match self.kind {
            ErrorKind::Reader => 0,
            ErrorKind::Scanner if self.problem.line != 0 => self.problem.line + 1,
            ErrorKind::Parser if self.problem.line != 0 => self.problem.line,
            _ => self.context.map_or(0, |mark| mark.line),
        };
        if line == 0 {
            format!("yaml: {}", self.message)
        } else {
            format!("yaml: line {line}: {}", self.message)
        }
    }
}
