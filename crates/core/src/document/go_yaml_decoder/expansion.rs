//! Limits the expansion of aliases.

use std::collections::HashSet;

use super::DecodeError;
use goyaml::{NodeId, Place};

/// The maximum number of bytes that the aliases of a section can add. go-yaml shares a string between all aliases to it, but here
/// each entry has a copy: a section of 200 KB could need 1 GB.
pub(crate) const MAX_COPIED: usize = 1 << 20;
/// The number of bytes that are counted for each node, in addition to its value.
pub(crate) const NODE_SIZE: usize = 32;

/// Counts nodes and the bytes that aliases copy. Like go-yaml, rejects documents that consist mostly of aliases.
#[derive(Debug, Default)]
pub(in crate::document) struct Expansion {
    decoded: usize,
    from_aliases: usize,
    /// The bytes that aliases have added.
    copied: usize,
    depth: usize,
    open: HashSet<NodeId>,
}

impl Expansion {
    /// Creates a counter that already counts the document itself.
    pub(in crate::document) fn new() -> Self {
        Self {
            decoded: 1,
            ..Self::default()
        }
    }

    pub(in crate::document) fn count(&mut self, at: Place) -> Result<(), DecodeError> {
        self.decoded += 1;
        if self.depth > 0 {
            self.from_aliases += 1;
            self.copied += NODE_SIZE;
        }
        let share = self.from_aliases as f64 / self.decoded as f64;
        if self.from_aliases > 100 && self.decoded > 1000 && share > allowed_share(self.decoded) {
            return Err(DecodeError {
                message: "yaml: document contains excessive aliasing".to_owned(),
                at,
            });
        }
        self.check_copied(at)
    }

    /// Counts the value of a scalar.
    pub(in crate::document) fn count_text(
        &mut self,
        text: &str,
        at: Place,
    ) -> Result<(), DecodeError> {
        if self.depth > 0 {
            self.copied += text.len();
        }
        self.check_copied(at)
    }

    /// Returns whether aliases add more than awsauth reads.
    pub(in crate::document) fn copies_too_much(&self) -> bool {
        self.copied > MAX_COPIED
    }

    fn check_copied(&self, at: Place) -> Result<(), DecodeError> {
        match self.copies_too_much() {
            false => Ok(()),
            true => Err(DecodeError {
                message: "awsauth does not read aliases that add more than 1 MiB".to_owned(),
                at,
            }),
        }
    }

    pub(in crate::document) fn enter(
        &mut self,
        alias: NodeId,
        name: &str,
        at: Place,
    ) -> Result<(), DecodeError> {
        if !self.open.insert(alias) {
            return Err(DecodeError {
                message: format!("yaml: anchor '{name}' value contains itself"),
                at,
            });
        }
        self.depth += 1;
        Ok(())
    }

    pub(in crate::document) fn leave(&mut self, alias: NodeId) {
        self.depth -= 1;
        self.open.remove(&alias);
    }
}

fn allowed_share(decoded: usize) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let decoded = (decoded as f64).clamp(LOW, HIGH);
    0.99 - 0.89 * ((decoded - LOW) / (HIGH - LOW))
}
