//! The state that is carried from one item of a document to the next.

use super::{DecodeError, Expansion};
use goyaml::Place;

/// The state that is carried from one item of a document to the next.
#[derive(Debug)]
pub(in crate::document) struct DecodeState {
    pub(super) expansion: Expansion,
    /// The depth of the items in the document.
    pub(super) depth: usize,
    /// The first key, number and nesting that JSON cannot represent. Any of these makes the whole document unreadable.
    pub(super) unsupported: [Option<DecodeError>; 3],
}

impl DecodeState {
    /// Creates the state at the start of a document that is not a list.
    pub(in crate::document) fn new() -> Self {
        Self {
            expansion: Expansion::new(),
            depth: 0,
            unsupported: [None, None, None],
        }
    }

    /// Creates the state before the items of a document that is a list.
    pub(in crate::document) fn in_list() -> Self {
        let mut state = Self::new();
        // The first node of a document is not an alias, and a single node is never too many.
        let _ = state.expansion.count(Place::default());
        state.depth = 1;
        state
    }

    /// Returns why the document cannot be converted to JSON, if so.
    pub(in crate::document) fn into_unsupported(self) -> Option<DecodeError> {
        self.unsupported.into_iter().flatten().next()
    }
}
