//! Edits of one object or one protected entry.

use crate::document::edit::Edit;

/// Edits that are made together or not at all.
#[derive(Clone, Debug, Default)]
pub(super) struct EditSet {
    pub(super) edits: Vec<Edit>,
    /// The ARNs of node entries that may be reduced or removed.
    pub(super) allowed_nodes: Vec<String>,
}
