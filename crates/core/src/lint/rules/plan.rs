//! The P rules: planned changes to aws-auth.

pub(super) mod plan_deletes_aws_auth;
pub(super) mod plan_empties_map;
pub(super) mod plan_loses_node_entry;
pub(super) mod plan_standard_entry_for_nodes;
pub(super) mod plan_unknown_policy;
