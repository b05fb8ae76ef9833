//! Syntax errors.

use super::Mark;

/// Why a text is not YAML, in go-yaml's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Which part of the reader gave up.
    pub kind: ErrorKind,
    /// What is wrong.
    pub message: &'static str,
    /// Where it gave up.
    pub problem: Mark,
    /// Where the construct in question began.
    pub context: Option<Mark>,
}

/// Which part of the reader found the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A character that YAML does not allow.
    Reader,
    /// A token that is not one.
    Scanner,
    /// Tokens in an order that means nothing.
    Parser,
}

impl SyntaxError {
    /// The error as go-yaml prints it, its line number included where it has one (it is sometimes off by one there).
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
