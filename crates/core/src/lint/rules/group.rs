//! The G rules: groups.

pub(super) mod caller_chosen_group;
pub(super) mod can_edit_aws_auth;
pub(super) mod clusterrole_used_as_group;
pub(super) mod masters_with_nodes;
pub(super) mod misspelled_built_in_group;
pub(super) mod no_groups;
pub(super) mod node_groups_on_non_node;
pub(super) mod reserved_group;
pub(super) mod system_masters;
pub(super) mod unbound_group;
