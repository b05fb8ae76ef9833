//! N: nodes, and the cluster as a whole.

pub(super) mod cross_account_node_role;
pub(super) mod node_entry_incomplete;
pub(in crate::lint) mod node_username_wrong;
