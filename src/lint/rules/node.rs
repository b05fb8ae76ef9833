//! N: nodes, and the cluster as a whole.

pub(super) mod node_entry_incomplete;
