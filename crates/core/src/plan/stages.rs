//! The order of a plan's changes: what gives access comes first.

use crate::access_entries::{EntryChange, Operation};

/// The changes to access entries before the write to aws-auth, and those after it.
///
/// Each principal that moves from one store to the other keeps its access: a new access entry hides the mapping that the
/// write to aws-auth removes, and a mapping that it adds is hidden until the access entry is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// The changes that give access.
    pub first: Vec<EntryChange>,
    /// The changes that take access away.
    pub last: Vec<EntryChange>,
}

impl Stages {
    /// Orders changes to access entries. A change that both gives and takes is made last, or else in two parts.
    pub(super) fn of(changes: &[EntryChange], in_parts: bool) -> Self {
        let is_access = |operation: &Operation| !matches!(operation, Operation::TagEntry { .. });
        let is_call = |change: &EntryChange| change.operations().iter().any(is_access);
        let mut stages = Self::default();
        for change in changes {
            let [gives, takes] = change.parts();
            match (is_call(&gives), is_call(&takes)) {
                (false, false) if change.operations().is_empty() => {}
                (true, false) => stages.first.push(change.clone()),
                (true, true) if in_parts => {
                    stages.first.push(gives);
                    stages.last.push(takes);
                }
                (_, true) | (false, false) => stages.last.push(change.clone()),
            }
        }
        stages
    }
}
