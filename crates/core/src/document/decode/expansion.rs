//! Limits the expansion of aliases.

use std::collections::HashSet;

use super::DecodeError;
use goyaml::{NodeId, Place};

/// Counts nodes like go-yaml, which rejects documents that consist mostly of aliases.
#[derive(Debug, Default)]
pub(in crate::document) struct Expansion {
    decoded: usize,
    from_aliases: usize,
    depth: usize,
    open: HashSet<NodeId>,
}

impl Expansion {
    /// Starts with the document itself counted.
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
        }
        let share = self.from_aliases as f64 / self.decoded as f64;
        if self.from_aliases > 100 && self.decoded > 1000 && share > allowed_share(self.decoded) {
            return Err(DecodeError {
                message: "yaml: document contains excessive aliasing".to_owned(),
                at,
            });
        }
        Ok(())
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
