use super::{Expansion, Lost};
use crate::yaml::Place;

/// What is carried from one item of a document to the next.
#[derive(Debug)]
pub(in crate::document) struct Progress {
    pub(super) expansion: Expansion,
    /// How deep in the document the items stand.
    pub(super) depth: usize,
    /// What voids the document on its way to JSON: of its keys, its numbers and its depth, the first each.
    pub(super) losses: [Option<Lost>; 3],
}

impl Progress {
    /// At the beginning of a document that is no list.
    pub(in crate::document) fn new() -> Self {
        Self {
            expansion: Expansion::new(),
            depth: 0,
            losses: [None, None, None],
        }
    }

    /// In front of the items of the list that a document is.
    pub(in crate::document) fn in_list() -> Self {
        let mut progress = Self::new();
        // The first node of a document is no alias, and alone never too much.
        let _ = progress.expansion.count(Place::default());
        progress.depth = 1;
        progress
    }

    /// Why nothing of what was decoded counts, if so: it cannot become JSON.
    pub(in crate::document) fn into_loss(self) -> Option<Lost> {
        self.losses.into_iter().flatten().next()
    }
}
