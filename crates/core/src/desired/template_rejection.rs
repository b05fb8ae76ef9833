//! Rejects unrendered templates.

use super::error::{Fault, Reason};
use crate::helm_jinja_syntax::{Action, first_action};

/// Rejects files with Helm or Jinja actions outside of comments.
pub(super) fn reject(text: &str) -> Result<(), Fault> {
    match first_action(text) {
        Some(Action { line, text }) => Err(Fault::new(line, Reason::Helm { text })),
        None => Ok(()),
    }
}
