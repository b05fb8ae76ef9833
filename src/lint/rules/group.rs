//! G: groups.

pub(super) mod caller_chosen_group;
pub(super) mod can_edit_aws_auth;
pub(super) mod clusterrole_used_as_group;
pub(super) mod masters_with_nodes;
pub(in crate::lint) mod near_miss_of_built_in;
pub(super) mod no_groups;
pub(super) mod node_groups_on_non_node;
pub(super) mod reserved_group;
pub(super) mod system_masters;
pub(super) mod unbound_group;

use crate::facts::groups::{MASTERS, OF_NODES};
use crate::lint::context::Written;

/// Whether this group makes a node of whoever has it.
pub(in crate::lint) fn is_of_nodes(group: &str) -> bool {
    OF_NODES.contains(&group)
}

/// Whether an entry has the group that may do everything and one of a node.
fn is_master_and_node(written: &Written<'_>) -> bool {
    let groups = written.mapping.groups();
    groups.iter().any(|group| group == MASTERS) && groups.iter().any(|group| is_of_nodes(group))
}
